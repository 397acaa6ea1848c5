package tasks

import (
	"encoding/json"
	"errors"
	"fmt"
)

// StopWindow is how many of an account's rows that ended last are looked at to
// decide whether a campaign pauses itself: CampaignSettings.StopAt of them.
const StopWindow = 50

// CampaignSettings is what holds for a whole campaign besides its rows and its
// times. It is kept as JSON in the campaign's head; fields that a newer program
// added are ignored, so that an older worker goes on.
type CampaignSettings struct {
	// Hours and Days are when rows are sent, by the clock of Zone: as "09:00-18:00"
	// and "mon-fri"; empty at any time and on every day. Schedule tells all forms.
	Hours string `json:"hours,omitempty"`
	Days  string `json:"days,omitempty"`
	// Zone is an IANA name such as America/Sao_Paulo; empty is UTC.
	Zone string `json:"zone,omitempty"`
	// StopAt pauses the campaign when so many of the last StopWindow rows that ended
	// in an account were refused or failed; 0: never.
	StopAt int `json:"stopAt,omitempty"`
	// EachOutcome tells the webhook of every row's outcome, not only of the campaign's.
	EachOutcome bool `json:"eachOutcome,omitempty"`
	// Sheet belongs to who started the campaign, and is given back as it is: the
	// command line keeps there how the sheet was written. Valid JSON, or empty.
	Sheet json.RawMessage `json:"sheet,omitempty"`
}

// ParseCampaignSettings reads what JSON wrote. Empty text is the zero value. It
// judges the form only: Check tells whether the settings can be followed.
func ParseCampaignSettings(text string) (CampaignSettings, error) {
	if text == "" {
		return CampaignSettings{}, nil
	}
	var s CampaignSettings
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		return CampaignSettings{}, fmt.Errorf("campaign settings: %w", err)
	}
	if string(s.Sheet) == "null" { // how others write nothing
		s.Sheet = nil
	}
	return s, nil
}

// JSON is the form in which settings are kept. The same settings always give the
// same text. A Sheet that is no JSON is left out; Check refuses it.
func (s CampaignSettings) JSON() string {
	if !json.Valid(s.Sheet) {
		s.Sheet = nil
	}
	text, err := json.Marshal(s)
	if err != nil {
		return "{}" // cannot be: all other fields are plain
	}
	return string(text)
}

// Check returns nil when a campaign with these settings can be started, and else
// all that is wrong, with the forms that are right.
func (s CampaignSettings) Check() error {
	_, err := s.Schedule()
	if s.StopAt < 0 || s.StopAt > StopWindow {
		err = errors.Join(err, fmt.Errorf("stopAt is %d: must be 1 to %d, so many of an account's last %d rows, or 0 for never", s.StopAt, StopWindow, StopWindow))
	}
	if len(s.Sheet) > 0 && !json.Valid(s.Sheet) {
		err = errors.Join(err, errors.New("what is kept of the sheet is no JSON"))
	}
	return err
}
