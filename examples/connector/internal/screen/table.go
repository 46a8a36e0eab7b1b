package screen

import (
	"strings"
	"unicode/utf8"
)

// Column is a column of a Table.
type Column struct {
	Title string
	Right bool // numbers stand to the right
	Gives bool // is cut first where the screen is too narrow
}

// Table writes rows under their titles, each column as wide as its widest cell.
type Table struct {
	Columns []Column
	Indent  int
	rows    [][]string
}

// Add adds a row; missing cells are empty.
func (t *Table) Add(cells ...string) { t.rows = append(t.rows, cells) }

// Write writes the table.
func (t *Table) Write(s *Screen) {
	widths := make([]int, len(t.Columns))
	for i, c := range t.Columns {
		widths[i] = utf8.RuneCountInString(c.Title)
		for _, r := range t.rows {
			if i < len(r) {
				widths[i] = max(widths[i], utf8.RuneCountInString(r[i]))
			}
		}
	}
	t.narrow(widths, s.Width)
	titles := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		titles[i] = c.Title
	}
	s.Printf("%s\n", s.Paint(Faint, t.line(titles, widths)))
	for _, r := range t.rows {
		s.Printf("%s\n", t.line(r, widths))
	}
}

// gap is what stands between two columns.
const gap = 2

// narrow takes from the columns that give until the table fits.
func (t *Table) narrow(widths []int, limit int) {
	if limit <= 0 {
		return
	}
	total := t.Indent + gap*(len(widths)-1)
	for _, w := range widths {
		total += w
	}
	const least = 8
	for total > limit {
		widest := -1
		for i, c := range t.Columns {
			if c.Gives && widths[i] > least && (widest < 0 || widths[i] > widths[widest]) {
				widest = i
			}
		}
		if widest < 0 {
			return
		}
		widths[widest]--
		total--
	}
}

func (t *Table) line(cells []string, widths []int) string {
	var b strings.Builder
	b.WriteString(strings.Repeat(" ", t.Indent))
	for i, c := range t.Columns {
		cell := ""
		if i < len(cells) {
			cell = Cut(cells[i], widths[i])
		}
		pad := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
		if c.Right {
			cell = pad + cell
		} else {
			cell += pad
		}
		b.WriteString(cell)
		b.WriteString(strings.Repeat(" ", gap))
	}
	return strings.TrimRight(b.String(), " ")
}

// Cut shortens a text to a number of characters, with a mark that it was cut.
func Cut(text string, width int) string {
	if utf8.RuneCountInString(text) <= width {
		return text
	}
	r := []rune(text)
	return string(r[:max(0, width-1)]) + "…"
}

// Wrap breaks a text into lines of at most width characters, between words.
func Wrap(text string, width int) []string {
	var lines []string
	line := ""
	for word := range strings.FieldsSeq(text) {
		switch {
		case line == "":
			line = word
		case width > 0 && utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > width:
			lines, line = append(lines, line), word
		default:
			line += " " + word
		}
	}
	return append(lines, line)
}
