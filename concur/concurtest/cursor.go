package concurtest

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
)

// sealCursor makes the opaque text by which a page names the next one.
func sealCursor(n int) string {
	return base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, "after:%d", n))
}

func openCursor(s string) (int, error) {
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil {
		return 0, err
	}
	v, found := strings.CutPrefix(string(b), "after:")
	if !found {
		return 0, fmt.Errorf("cursor %.20q", s)
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < 0 {
		return 0, fmt.Errorf("cursor %.20q", s)
	}
	return n, nil
}
