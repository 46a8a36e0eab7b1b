package rules

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/ml-connector/ml-connector/sync/document"
)

// Diff tells whether next would have another effect than prior, two postings of
// one document. Numbers that we made up do not count, since they bear the
// revision, nor do the texts that name it. The delta it returns is next whole:
// a second revision with another effect is for a person to decide.
func (m *Mapper) Diff(prior, next document.Posting) (delta document.Posting, changed bool, err error) {
	a, err := effect(prior)
	if err != nil {
		return document.Posting{}, false, err
	}
	b, err := effect(next)
	if err != nil {
		return document.Posting{}, false, err
	}
	return next, !bytes.Equal(a, b), nil
}

// effect is a posting without what may differ between two revisions that mean
// the same.
func effect(p document.Posting) ([]byte, error) {
	invoices := make([]document.APInvoice, len(p.Invoices))
	copy(invoices, p.Invoices)
	for i := range invoices {
		if invoices[i].MadeUp {
			invoices[i].Number = ""
		}
		// Approved a second time is approved later: what was booked keeps its period.
		invoices[i].ApplyDate, invoices[i].Date, invoices[i].Due = "", "", ""
		invoices[i].Group = "" // is named after the day
		invoices[i].Description = ""
	}
	p.Invoices = invoices
	b, err := json.Marshal(p)
	if err != nil {
		return nil, fmt.Errorf("rules: compare postings: %w", err)
	}
	return b, nil
}

// whole is a posting with all that it says.
func whole(p document.Posting) (string, error) {
	b, err := json.Marshal(p)
	if err != nil {
		return "", fmt.Errorf("rules: compare postings: %w", err)
	}
	return string(b), nil
}
