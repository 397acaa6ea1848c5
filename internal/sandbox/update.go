package sandbox

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
)

// maxBody is far above a photo of 599 pixels.
const maxBody = 8 << 20

// update answers POST /api/whatsapp/update-group-photo.
func (s *Sandbox) update(x *exchange) answer {
	mediaType, _, err := mime.ParseMediaType(x.r.Header.Get("Content-Type"))
	if err != nil || mediaType != typeJSON {
		return failing(http.StatusUnsupportedMediaType, "unsupported media type: use application/json")
	}
	body, err := readBody(x.r)
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return failing(http.StatusRequestEntityTooLarge, "the body is larger than 8 MiB")
	}
	if err != nil {
		s.note(func() { x.call.Why = "the body broke off" })
		return answer{drop: dropReset}
	}
	request, problem := readRequest(body)
	if problem != "" {
		s.note(func() { x.call.Why = problem })
		return failing(http.StatusBadRequest, problem)
	}
	photo := s.photos.readPhoto(request.photo)
	if !isGroupID(request.group) {
		photo.problem = "the group id has neither of the documented forms"
	}
	s.note(func() { x.call.GroupID, x.call.PhotoHash = request.group, photo.hash })
	if photo.problem != "" {
		// The real service tells nobody why; the log does.
		s.note(func() { x.call.Why = photo.problem })
		return jsonAnswer(http.StatusOK, answerFalse)
	}
	s.meet(request.group)
	fate, patient := s.dialled(x)
	if !patient {
		return answer{drop: dropHang}
	}
	a := fate.answer()
	if fate.Kind != "" && !fate.lands() {
		return a
	}
	s.land(x.call, photo)
	if fate.Kind != "" {
		return a
	}
	return jsonAnswer(http.StatusOK, answerTrue)
}

func readBody(r *http.Request) ([]byte, error) {
	var b bytes.Buffer
	if r.ContentLength > 0 && r.ContentLength <= maxBody {
		b.Grow(int(r.ContentLength) + bytes.MinRead)
	}
	_, err := b.ReadFrom(http.MaxBytesReader(nil, r.Body, maxBody))
	return b.Bytes(), err
}

type updateRequest struct{ group, photo string }

// readRequest reads the two members and refuses everything else by name. Keys are compared as they are written:
// encoding/json would take "groupID" for "groupId", and PlugChat may not.
func readRequest(body []byte) (updateRequest, string) {
	values := map[string]string{}
	dec := json.NewDecoder(bytes.NewReader(body))
	if first, err := dec.Token(); err != nil || first != json.Delim('{') {
		return updateRequest{}, "the body is not a JSON object"
	}
	for dec.More() {
		key, err := dec.Token()
		name, ok := key.(string)
		if err != nil || !ok {
			return updateRequest{}, "the body is not JSON"
		}
		if name != "groupId" && name != "groupPhoto" {
			return updateRequest{}, "unknown key " + clip(name)
		}
		if _, twice := values[name]; twice {
			return updateRequest{}, name + " stands there twice"
		}
		value, err := dec.Token()
		text, ok := value.(string)
		if err != nil || !ok {
			return updateRequest{}, name + " is not a string"
		}
		values[name] = text
	}
	if _, err := dec.Token(); err != nil {
		return updateRequest{}, "the body is not JSON"
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return updateRequest{}, "something follows the JSON object"
	}
	for _, name := range []string{"groupId", "groupPhoto"} {
		if _, ok := values[name]; !ok {
			return updateRequest{}, name + " is missing"
		}
	}
	return updateRequest{values["groupId"], values["groupPhoto"]}, ""
}
