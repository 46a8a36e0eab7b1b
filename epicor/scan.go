package epicor

import (
	"encoding/json"
	"fmt"
)

// The functions here take JSON apart without decoding it, so that what is not
// understood can go back exactly as it came. They take valid JSON only.

// decodeObject returns the members of an object in their order. A name that
// stands there twice is an error, since only one of the two could go back.
func decodeObject(b []byte) ([]string, map[string]json.RawMessage, error) {
	var order []string
	members := make(map[string]json.RawMessage)
	for i := space(b, 1); b[i] != '}'; {
		end := value(b, i)
		name := string(b[i+1 : end-1])
		if hasEscape(b[i:end]) {
			if err := json.Unmarshal(b[i:end], &name); err != nil {
				return nil, nil, err
			}
		}
		i = space(b, space(b, end)+1) // behind the colon
		end = value(b, i)
		if _, twice := members[name]; twice {
			return nil, nil, fmt.Errorf("%.60q stands there twice", name)
		}
		order = append(order, name)
		members[name] = b[i:end:end]
		i = next(b, end)
	}
	return order, members, nil
}

// elements returns the elements of an array.
func elements(b []byte) []json.RawMessage {
	var out []json.RawMessage
	for i := space(b, 1); b[i] != ']'; {
		end := value(b, i)
		out = append(out, b[i:end:end])
		i = next(b, end)
	}
	return out
}

// next returns where the next member begins, or the closing bracket.
func next(b []byte, i int) int {
	i = space(b, i)
	if b[i] == ',' {
		i = space(b, i+1)
	}
	return i
}

func space(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\t' || b[i] == '\n' || b[i] == '\r') {
		i++
	}
	return i
}

// value returns the end of the value that begins at i.
func value(b []byte, i int) int {
	depth := 0
	for ; i < len(b); i++ {
		switch b[i] {
		case '"':
			i = quoted(b, i) - 1
		case '{', '[':
			depth++
			continue
		case '}', ']':
			depth--
		case ',', ':', ' ', '\t', '\n', '\r':
			continue
		default:
			for i+1 < len(b) && !delimits(b[i+1]) {
				i++
			}
		}
		if depth == 0 {
			return i + 1
		}
	}
	return i
}

func delimits(c byte) bool {
	switch c {
	case ',', ':', '}', ']', ' ', '\t', '\n', '\r':
		return true
	}
	return false
}

// quoted returns the end of the string that begins at i.
func quoted(b []byte, i int) int {
	for i++; i < len(b); i++ {
		switch b[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return i
}

func hasEscape(b []byte) bool {
	for _, c := range b {
		if c == '\\' || c >= 0x80 {
			return true
		}
	}
	return false
}
