package concur

import (
	"context"
	"net/http"
)

const correlationHeader = "Concur-Correlationid"

type correlationKey struct{}

// WithCorrelation makes calls under the returned context bear id in their
// concur-correlationid header, so that the vendor's support can follow a
// document from its event to the calls it caused. An id that is not 1 to 128
// printable ASCII characters is ignored. Follows the Correlation ID page.
func WithCorrelation(ctx context.Context, id string) context.Context {
	if id = cleanCorrelation(id); id == "" {
		return ctx
	}
	return context.WithValue(ctx, correlationKey{}, id)
}

// Correlation returns the id given to WithCorrelation, "" without one.
func Correlation(ctx context.Context) string {
	id, _ := ctx.Value(correlationKey{}).(string)
	return id
}

func correlationOf(h http.Header) string { return cleanCorrelation(h.Get(correlationHeader)) }

func cleanCorrelation(id string) string {
	if len(id) == 0 || len(id) > 128 {
		return ""
	}
	for i := range len(id) {
		if id[i] <= ' ' || id[i] > '~' {
			return ""
		}
	}
	return id
}
