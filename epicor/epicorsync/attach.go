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
// called when all of it stands there, and what cannot be added is only told.
func (s *InvoiceSink) attach(ctx context.Context, d connector.Delivery[document.Posting], ins []epicor.APInvoiceInput, of []*epicor.APInvoice) connector.Attached {
	var out connector.Attached
	if s.opts.Attachments == nil {
		return out
	}
	for i := range ins {
		if of[i] == nil {
			continue
		}
		for _, a := range lacking(d.Posting.Invoices[i].Attachments, of[i]) {
			what := fmt.Sprintf("%s: attachment %s", of[i].Number, a.ID)
			if of[i].Posted {
				out.Lost = append(out.Lost, what+" is missing, and the invoice is posted")
				continue
			}
			switch added, err := s.add(ctx, ins[i], a); {
			case err != nil:
				out.Missing = append(out.Missing, fmt.Sprintf("%s could not be added, which changes nothing of what is owed: %v", what, err))
			case added:
				out.Added = append(out.Added, what)
			}
		}
	}
	return out
}

// complete writes into a receipt what came of the files.
func (s *InvoiceSink) complete(r *connector.Receipt, files connector.Attached) {
	r.Missing = files.Missing
	r.Notes = append(r.Notes, files.Lost...)
	r.Final = r.Final && (len(files.Missing) == 0 || !s.opts.AttachmentsFirst)
}

// add reads one file and adds it to an invoice that stands there. It reports whether
// there is such a file.
func (s *InvoiceSink) add(ctx context.Context, in epicor.APInvoiceInput, a document.Attachment) (bool, error) {
	var data []byte
	var err error
	for range attachTries {
		if data, err = s.opts.Attachments(ctx, a); err == nil {
			break
		}
	}
	if err != nil || len(data) == 0 {
		return false, err
	}
	in.Attachments = []epicor.APInvoiceAttachmentInput{{Name: baseName(a) + extension(data), Description: cmp.Or(a.Name, a.Kind), Data: data}}
	if _, err = s.c.APInvoices.Resume(ctx, in); err != nil {
		return false, err
	}
	return true, nil
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

var _ connector.Attacher[document.Posting] = (*InvoiceSink)(nil)

// Attach implements connector.Attacher: it adds the files that are missing to the
// invoices that stand. One that an invoice has is known by its name; an invoice
// that is posted takes none any more, which is an assumption to check on a live
// tenant.
func (s *InvoiceSink) Attach(ctx context.Context, d connector.Delivery[document.Posting]) (connector.Attached, error) {
	ins, err := s.inputs(d)
	if err != nil {
		return connector.Attached{}, err
	}
	seen, err := s.look(ctx, d.Key(), ins)
	if err != nil {
		return connector.Attached{}, trouble(err)
	}
	files := s.attach(ctx, d, ins, seen.of)
	// What was interrupted while it added a file may have left the group locked.
	if err := s.release(ctx, seen.invoices()); err != nil {
		return connector.Attached{}, trouble(err)
	}
	return files, nil
}
