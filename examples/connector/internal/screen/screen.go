// Package screen shows results to people: tables that fit the terminal, amounts
// as finance writes them, colour only where it is wanted and never as the only
// carrier of a meaning.
package screen

import (
	"fmt"
	"io"
	"os"

	"golang.org/x/term"
)

// Screen is where a command writes. Make one with New.
type Screen struct {
	io.Writer
	Terminal bool // a person looks on: lines may be drawn over
	Colour   bool
	Width    int // of a line; 0: no limit
}

// New returns a Screen over w. It is a terminal where w is one; NO_COLOR, as
// getenv says it, and a dumb terminal switch colour off (no-color.org).
func New(w io.Writer, getenv func(string) string) *Screen {
	s := &Screen{Writer: w}
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return s
	}
	s.Terminal = getenv("TERM") != "dumb"
	s.Colour = s.Terminal && getenv("NO_COLOR") == ""
	if width, _, err := term.GetSize(int(f.Fd())); err == nil && width > 20 {
		s.Width = width
	}
	return s
}

// Printf writes a formatted text. A screen that cannot be written to is not a
// reason to stop the work that it shows.
func (s *Screen) Printf(format string, args ...any) { _, _ = fmt.Fprintf(s, format, args...) }

// Style is how a text stands out.
type Style string

// The styles.
const (
	Plain Style = ""
	Bold  Style = "1"
	Faint Style = "2"
	Good  Style = "32"
	Bad   Style = "31"
	Alert Style = "33"
)

// Paint returns a text in a style, where the screen has colour.
func (s *Screen) Paint(style Style, text string) string {
	if !s.Colour || style == Plain || text == "" {
		return text
	}
	return "\x1b[" + string(style) + "m" + text + "\x1b[0m"
}

// Heading writes a heading.
func (s *Screen) Heading(text string) { s.Printf("\n%s\n", s.Paint(Bold, text)) }
