package fetch

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
)

// hop makes one request when all that is asked of a hop holds: the rules for its URL, a server that isn't left alone, a
// slot. It returns a body, or the address to go on to (and in the body for how long it may be believed), or an error.
// caller is the caller's context, limited the fetch's.
func (c *Client) hop(caller, limited context.Context, target *url.URL, w wishes) (Body, *url.URL, error) {
	if fail := c.judge(target); fail != nil {
		return Body{}, nil, fail
	}
	name, host := nameOf(target), hostOf(target)
	server := net.JoinHostPort(name, strconv.Itoa(int(portOf(target))))
	if fail := c.rests.resting(server, host); fail != nil {
		return Body{}, nil, fail
	}
	if err := c.gate.enter(limited, name); err != nil {
		return Body{}, nil, &Error{Reason: Timeout, Host: host, Detail: fmt.Sprintf("other fetches from this host took all of %s; try later", c.timeout), Err: err}
	}
	defer c.gate.leave(name)
	// Those that were in front may have found out.
	if fail := c.rests.resting(server, host); fail != nil {
		return Body{}, nil, fail
	}
	body, next, err := c.ask(limited, target, w)
	if caller.Err() == nil {
		c.remember(server, err)
	}
	return body, next, err
}

// remember counts what an answer says about the server. A refused address, a proxy in trouble and a caller who ended the
// fetch himself say nothing.
func (c *Client) remember(server string, err error) {
	_, stopped := errors.AsType[stop](err)
	fail, failed := errors.AsType[*Error](err)
	switch {
	case stopped:
	case !failed:
		c.rests.answered(server)
	case fail.Reason == RefusedAddress || atProxy(err) != nil:
	case fail.Permanent():
		c.rests.answered(server)
	default:
		c.rests.failed(server)
	}
}

// ask makes one request. What it returns is that of hop.
func (c *Client) ask(ctx context.Context, target *url.URL, w wishes) (Body, *url.URL, error) {
	host, known := hostOf(target), w.known.heldBy(target)
	request := (&http.Request{
		Method: http.MethodGet,
		URL:    target,
		Host:   target.Host,
		Header: http.Header{
			"User-Agent": {"groupphoto"},
			// Servers that choose by Accept must not pick a format we refuse.
			"Accept":          {"image/jpeg, image/png, image/webp, image/gif, image/bmp, */*;q=0.1"},
			"Accept-Encoding": {"identity"},
		},
	}).WithContext(ctx)
	known.apply(request.Header)
	// The transport and not http.Client: no cookies, no Referer, no redirects but ours, no URL in errors.
	response, err := c.transport.RoundTrip(request)
	if err != nil {
		return Body{}, nil, c.failure(ctx, host, err)
	}
	defer response.Body.Close()

	switch response.StatusCode {
	case http.StatusProxyAuthRequired:
		if c.proxy != nil {
			return Body{}, nil, transportError(host, &proxyFault{detail: proxyRefuses(response.StatusCode)})
		}
	case http.StatusOK:
		data, err := c.read(ctx, host, response, w.whenLarge)
		if err != nil {
			return Body{}, nil, err
		}
		fresh, said := freshness(response.Header)
		return Body{Bytes: data, Validators: validatorsOf(target, response.Header), Fresh: fresh, HasFresh: said}, nil, nil
	case http.StatusNotModified:
		if known.usable() {
			fresh, said := freshness(response.Header)
			return Body{NotModified: true, Validators: validatorsOf(target, response.Header).or(known), Fresh: fresh, HasFresh: said}, nil, nil
		}
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		if location := response.Header.Get("Location"); location != "" {
			next, err := follow(target, location, response.StatusCode)
			return Body{Fresh: redirectFreshness(response.StatusCode, response.Header)}, next, err
		}
	}
	return Body{}, nil, statusError(host, response.StatusCode)
}

// follow judges a redirect as strictly as the first URL. Its address is judged by the guard when it is dialled.
func follow(from *url.URL, location string, status int) (*url.URL, error) {
	refuse := func(detail string, err error) (*url.URL, error) {
		return nil, &Error{Reason: Redirects, Host: hostOf(from), Status: status, Detail: detail, Err: err}
	}
	relative, err := url.Parse(location)
	if err != nil {
		return refuse("the redirect leads to something that is no URL", nil)
	}
	next, fail := parseURL(from.ResolveReference(relative).String())
	if fail != nil && fail.Reason == RefusedAddress {
		return nil, fail
	}
	if fail != nil {
		return refuse("the redirect is not followed: "+fail.Detail, fail)
	}
	if from.Scheme == "https" && next.Scheme == "http" {
		return refuse("the redirect leads from https to http; give an address that stays on https", nil)
	}
	return next, nil
}

// failure tells our own deadline from what the network did.
func (c *Client) failure(ctx context.Context, host string, err error) *Error {
	fail := transportError(host, err)
	if fail.Reason != RefusedAddress && atProxy(err) == nil && errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return &Error{Reason: Timeout, Host: host, Detail: fmt.Sprintf("the photo didn't arrive within %s; try later", c.timeout), Err: err}
	}
	return fail
}
