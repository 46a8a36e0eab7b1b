package arch_test

import (
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var (
	fence      = regexp.MustCompile("(?ms)^[ \t]*(```|~~~).*?^[ \t]*(```|~~~)[ \t]*$")
	codeSpan   = regexp.MustCompile("`[^`\n]*`")
	inlineLink = regexp.MustCompile(`\]\(\s*<?([^)\s>]+)>?(?:\s+"[^"]*")?\s*\)`)
	namedLink  = regexp.MustCompile(`(?m)^\s{0,3}\[[^\]]+\]:\s*<?(\S+?)>?(?:\s|$)`)
	heading    = regexp.MustCompile(`(?m)^#{1,6}[ \t]+(.+?)[ \t]*#*$`)
	anchorTag  = regexp.MustCompile(`<a\s+(?:id|name)="([^"]+)"`)
	linkText   = regexp.MustCompile(`\[([^\]]*)\]\([^)]*\)`)
)

// prose is a document without its code, in which brackets mean other things.
func prose(text string) string {
	return codeSpan.ReplaceAllString(fence.ReplaceAllString(text, ""), "")
}

// links returns the targets of all links of a document.
func links(text string) []string {
	var targets []string
	for _, kind := range []*regexp.Regexp{inlineLink, namedLink} {
		for _, match := range kind.FindAllStringSubmatch(prose(text), -1) {
			targets = append(targets, match[1])
		}
	}
	return targets
}

// anchors returns the places of a document that a link can lead to, named as code hosts name them: the heading in
// lower case, spaces as hyphens, other punctuation dropped, a repeated one numbered.
func anchors(text string) map[string]bool {
	text = fence.ReplaceAllString(text, "")
	found := make(map[string]bool)
	for _, match := range heading.FindAllStringSubmatch(text, -1) {
		title := strings.ReplaceAll(linkText.ReplaceAllString(match[1], "$1"), "`", "")
		var name strings.Builder
		for _, r := range strings.ToLower(title) {
			switch {
			case unicode.IsLetter(r), unicode.IsDigit(r), r == '-', r == '_':
				name.WriteRune(r)
			case r == ' ':
				name.WriteByte('-')
			}
		}
		unique := name.String()
		for n := 1; found[unique]; n++ {
			unique = name.String() + "-" + string(rune('0'+n))
		}
		found[unique] = true
	}
	for _, match := range anchorTag.FindAllStringSubmatch(text, -1) {
		found[match[1]] = true
	}
	return found
}

// broken says what is wrong with a link in a document, or "".
func broken(t *testing.T, document, target string) string {
	t.Helper()
	parsed, err := url.Parse(target)
	if err != nil {
		return "is no link: " + err.Error()
	}
	if parsed.Scheme != "" || parsed.Host != "" {
		return "" // another site's
	}
	if strings.HasPrefix(parsed.Path, "/") {
		return "starts at the root of a site; write it from the document's folder"
	}
	leads := document
	if parsed.Path != "" {
		leads = path.Join(path.Dir(document), parsed.Path)
	}
	if strings.HasPrefix(leads, "../") {
		return "leads out of the repository"
	}
	info, err := os.Stat(filepath.Join(root, filepath.FromSlash(leads)))
	if err != nil {
		return "leads to " + leads + ", which does not exist"
	}
	if parsed.Fragment == "" || info.IsDir() || !strings.HasSuffix(leads, ".md") {
		return ""
	}
	if !anchors(read(t, leads))[parsed.Fragment] {
		return "leads to #" + parsed.Fragment + ", and " + leads + " has no such heading"
	}
	return ""
}

func TestEveryRelativeLinkInTheDocumentsResolves(t *testing.T) {
	checked := 0
	for _, document := range files(t, ".md") {
		for _, target := range links(read(t, document)) {
			checked++
			if wrong := broken(t, document, target); wrong != "" {
				assert.Fail(t, "broken link", "%s: (%s) %s", document, target, wrong)
			}
		}
	}
	require.NotZero(t, checked, "the documents hold no link at all: the pattern is wrong")
}

func TestABrokenLinkIsFound(t *testing.T) {
	text := "# The title, twice\n\n## The title, twice\n\n[a](missing.md) `[b](code.md)` [c](#the-title-twice-1)\n\n```\n[d](fenced.md)\n```\n\n[e]: other.md\n"
	require.Equal(t, []string{"missing.md", "#the-title-twice-1", "other.md"}, links(text))
	require.Equal(t, map[string]bool{"the-title-twice": true, "the-title-twice-1": true}, anchors(text))
	require.NotEmpty(t, broken(t, "README.md", "missing.md"))
	require.NotEmpty(t, broken(t, "README.md", "#missing"))
	require.NotEmpty(t, broken(t, "README.md", "../outside.md"))
	require.NotEmpty(t, broken(t, "README.md", "/README.md"))
	require.Empty(t, broken(t, "docs/README.md", "../LICENSE"))
}
