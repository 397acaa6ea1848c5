package ledger

import (
	"context"
	"fmt"
	"iter"
)

// CampaignDiffersError says that a name stands for a campaign with other rows or
// photos.
type CampaignDiffersError struct {
	Name, ID string
	// Before and After are how many rows there are in the accepted campaign and in
	// what was given; Before is 0 where they were not compared.
	Before, After int64
	// Changed is how many places of the input hold another row.
	Changed int64
	// Was and Is are the first that differ; a zero Line says that there is none.
	Was, Is CampaignRow
}

// Error tells the first difference.
func (e *CampaignDiffersError) Error() string {
	return fmt.Sprintf("campaign %q was accepted with other rows: %s", e.Name, e.Difference())
}

// Difference tells only what differs.
func (e *CampaignDiffersError) Difference() string {
	text := fmt.Sprintf("%d then, %d now", e.Before, e.After)
	switch {
	case e.Was.Line == 0 && e.Is.Line == 0:
		return text
	case e.Was.Line == 0:
		return text + fmt.Sprintf("; line %d, group %s, is new", e.Is.Line, e.Is.Group)
	case e.Is.Line == 0:
		return text + fmt.Sprintf("; line %d, group %s, is gone", e.Was.Line, e.Was.Group)
	}
	if e.Was.Group == e.Is.Group && e.Was.Photo == e.Is.Photo && e.Was.Account == e.Is.Account {
		return text + fmt.Sprintf("; the first of %d that differ is line %d, group %s, by what is kept with it", e.Changed, e.Is.Line, e.Is.Group)
	}
	return text + fmt.Sprintf("; the first of %d that differ was line %d, group %s with %s through %s, and is line %d, group %s with %s through %s",
		e.Changed, e.Was.Line, e.Was.Group, e.Was.Photo, e.Was.Account, e.Is.Line, e.Is.Group, e.Is.Photo, e.Is.Account)
}

// compareCampaign holds rows against a campaign that was accepted before. Rows that
// were moved to another account since are still the same.
func (l *Ledger) compareCampaign(ctx context.Context, id string, rows iter.Seq2[CampaignRow, error]) (AcceptedCampaign, error) {
	c, err := l.Campaign(ctx, id)
	if err != nil {
		return AcceptedCampaign{}, err
	}
	next, stop := iter.Pull2(l.CampaignRows(ctx, c, RowFilter{}))
	defer stop()
	difference := &CampaignDiffersError{Name: c.Name, ID: c.ID}
	digest := newRowDigest()
	for row, err := range rows {
		if err != nil {
			return AcceptedCampaign{}, err
		}
		digest.add(row)
		stored, err, more := next()
		if err != nil {
			return AcceptedCampaign{}, err
		}
		if more {
			difference.Before++
		}
		difference.hold(stored.Given, row)
		difference.After++
	}
	for {
		stored, err, more := next()
		if err != nil {
			return AcceptedCampaign{}, err
		}
		if !more {
			break
		}
		difference.Before++
		difference.hold(stored.Given, CampaignRow{})
	}
	if digest.sum() == c.digest {
		return AcceptedCampaign{Campaign: c, Before: true}, l.ApplyCampaign(ctx, c)
	}
	return AcceptedCampaign{}, difference
}

func (e *CampaignDiffersError) hold(was, is CampaignRow) {
	same := was
	same.Line = is.Line
	if same == is {
		return
	}
	if e.Changed == 0 {
		e.Was, e.Is = was, is
	}
	e.Changed++
}
