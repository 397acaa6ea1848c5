package web

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"net/http"
	"regexp"
	"strings"
)

//go:embed index.html
var indexText string

var indexTemplate = template.Must(template.New("index").Parse(indexText))

// index shows where things are and how the API is used. It tells nothing that a
// token would protect.
func (s *Server) index(w http.ResponseWriter, r *http.Request) {
	if !looking(w, r) {
		return
	}
	var page bytes.Buffer
	data := struct {
		UI       string
		Token    bool
		Problems []problem
		MaxBody  int
	}{uiRoot + "/", s.cfg.Token != "", problems, maxBody >> 20}
	if err := indexTemplate.Execute(&page, data); err != nil {
		panic("web: the index page did not render: " + err.Error()) // cannot happen: a test renders it
	}
	h := w.Header()
	h.Set("Content-Security-Policy", "default-src 'none'; style-src "+hashes(page.String(), inlineStyle)+"; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	h.Set("Content-Type", "text/html; charset=utf-8")
	_, _ = w.Write(page.Bytes()) // a caller that hung up is no error of ours
}

var (
	inlineStyle  = regexp.MustCompile(`(?s)<style>(.*?)</style>`)
	inlineScript = regexp.MustCompile(`(?s)<script>(.*?)</script>`)
)

// hashes allows the inline parts of a page, as they are and no others, in a
// Content-Security-Policy.
func hashes(page string, part *regexp.Regexp) string {
	var list []string
	for _, found := range part.FindAllStringSubmatch(page, -1) {
		sum := sha256.Sum256([]byte(found[1]))
		list = append(list, fmt.Sprintf("'sha256-%s'", base64.StdEncoding.EncodeToString(sum[:])))
	}
	return strings.Join(list, " ")
}
