package web

// What the tests of the outside need from the inside.
var (
	ShowPayload = showPayload
	ShowResult  = showResult
	MaskText    = maskText
	KeyID       = keyID
	Unquote     = unquote
)

// LargeBodies counts the large bodies that are being read.
func LargeBodies(s *Server) int { return len(s.large) }

// ProblemReasons lists the words of all problems.
func ProblemReasons() []string {
	var words []string
	for _, p := range problems {
		words = append(words, p.Reason)
	}
	return words
}
