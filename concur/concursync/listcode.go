package concursync

import "strings"

// Concur joins the codes of a list's levels by hyphens, so that a hyphen inside
// a code, or inside a name, can corrupt the list. ERPs are full of both. What
// goes out is therefore written without any, in a way that can be read back.
//
// A code keeps every character but two: a hyphen becomes "~1" and a tilde "~0".
// So a code that has neither stays as it is, no two codes become one, and "~1"
// is the mark by which a code of ours is known:
//
//	6410|200|00   6410|200|00
//	CC-100        CC~1100
//	A~1           A~01
//
// A name is for people, so its hyphen becomes an en dash, which looks alike and
// which older character sets have too. An en dash of the name's own becomes
// "~2", a tilde "~0".

// All four are read, never written.
var (
	codeOut = strings.NewReplacer("~", "~0", "-", "~1")
	codeIn  = strings.NewReplacer("~0", "~", "~1", "-")
	nameOut = strings.NewReplacer("~", "~0", "-", "–", "–", "~2")
	nameIn  = strings.NewReplacer("~0", "~", "–", "-", "~2", "–")
)

// EncodeCode writes a code so that it can stand in one of Concur's lists. Codes
// without "-" and "~" stay as they are, and different codes stay different.
func EncodeCode(code string) string { return codeOut.Replace(code) }

// DecodeCode reads what EncodeCode wrote. A code that EncodeCode cannot have
// written is returned as it is: somebody else made it.
func DecodeCode(code string) string {
	if back := codeIn.Replace(code); EncodeCode(back) == code {
		return back
	}
	return code
}

// EncodeName writes a name so that it can stand in one of Concur's lists.
func EncodeName(name string) string { return nameOut.Replace(name) }

// DecodeName reads what EncodeName wrote. A name that EncodeName cannot have
// written is returned as it is.
func DecodeName(name string) string {
	if back := nameIn.Replace(name); EncodeName(back) == name {
		return back
	}
	return name
}

// longCode is the long code of a path of codes, from the top.
func longCode(path []string) string {
	codes := make([]string, len(path))
	for i, code := range path {
		codes[i] = EncodeCode(code)
	}
	return strings.Join(codes, "-")
}

// DecodeLongCode reads the codes of all levels, joined by hyphens in Concur, and
// joins what they were by the separator.
func DecodeLongCode(code, separator string) string {
	parts := strings.Split(code, "-")
	for i, p := range parts {
		parts[i] = DecodeCode(p)
	}
	return strings.Join(parts, separator)
}
