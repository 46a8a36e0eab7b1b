package epicorsync

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/ml-connector/ml-connector/epicor"
	"github.com/ml-connector/ml-connector/sync/connector"
	"github.com/ml-connector/ml-connector/sync/document"
)

// Reader reads a file that a document names, such as the image of a receipt. One
// that is not there is nil without an error.
type Reader func(ctx context.Context, a document.Attachment) ([]byte, error)

// attachTries is how often a file is asked for within one call.
const attachTries = 2

// attach adds the files of a delivery to its invoices. Money comes first: it is
// called when all of it stands there, and what cannot be added is only noted. It
// reports whether everything is there.
func (s *InvoiceSink) attach(ctx context.Context, d connector.Delivery[document.Posting], ins []epicor.APInvoiceInput, of []*epicor.APInvoice) (notes []string, whole bool) {
	whole = true
	if s.opts.Attachments == nil {
		return nil, true
	}
	for i := range ins {
		if of[i] == nil {
			continue
		}
		for _, a := range lacking(d.Posting.Invoices[i].Attachments, of[i]) {
			if of[i].Posted {
				notes = append(notes, fmt.Sprintf("%s: attachment %s is missing, and the invoice is posted", of[i].Number, a.ID))
				continue
			}
			if err := s.add(ctx, ins[i], a); err != nil {
				whole = false
				notes = append(notes, fmt.Sprintf("%s: attachment %s could not be added, which changes nothing of what is owed: %v", of[i].Number, a.ID, err))
			}
		}
	}
	return notes, whole
}

// add reads one file and adds it to an invoice that stands there.
func (s *InvoiceSink) add(ctx context.Context, in epicor.APInvoiceInput, a document.Attachment) error {
	var data []byte
	var err error
	for range attachTries {
		if data, err = s.opts.Attachments(ctx, a); err == nil {
			break
		}
	}
	if err != nil || len(data) == 0 {
		return err
	}
	in.Attachments = []epicor.APInvoiceAttachmentInput{{Name: baseName(a) + extension(data), Description: cmp.Or(a.Name, a.Kind), Data: data}}
	_, err = s.c.APInvoices.Resume(ctx, in)
	return err
}

// lacking are the files that an invoice does not have.
func lacking(all []document.Attachment, inv *epicor.APInvoice) []document.Attachment {
	var out []document.Attachment
	for _, a := range all {
		there := false
		for _, g := range inv.Attachments {
			there = there || strings.Contains(g.FileName, "-"+baseName(a)+".")
		}
		if !there {
			out = append(out, a)
		}
	}
	return out
}

// baseName is a file's name without what its content decides.
func baseName(a document.Attachment) string {
	return strings.Map(func(c rune) rune {
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' {
			return c
		}
		return '_'
	}, a.Kind+"_"+a.ID)
}

func extension(data []byte) string {
	switch kind := http.DetectContentType(data); kind {
	case "application/pdf":
		return ".pdf"
	case "image/jpeg":
		return ".jpg"
	case "image/png":
		return ".png"
	default:
		return ".bin"
	}
}

// Attach adds the files that are missing to what a delivery made: what was not to
// be had when it was made is tried again. It changes nothing of what is owed and
// may be repeated.
func (s *InvoiceSink) Attach(ctx context.Context, d connector.Delivery[document.Posting]) (notes []string, err error) {
	ins, err := s.inputs(d)
	if err != nil {
		return nil, err
	}
	seen, err := s.look(ctx, d.Key(), ins)
	if err != nil {
		return nil, trouble(err)
	}
	notes, _ = s.attach(ctx, d, ins, seen.of)
	return notes, nil
}
