package concursync

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/ml-connector/ml-connector/concur"
	"github.com/ml-connector/ml-connector/sync/connector"
	"github.com/ml-connector/ml-connector/sync/document"
)

// ErrCodeDeleted says that an item cannot come back because Concur keeps the
// code of a deleted item occupied. A person has to restore it in Concur's list
// management, or the ERP has to use another code.
var ErrCodeDeleted = errors.New("concursync: the code belongs to an item that was deleted in Concur, and Concur does not let it come back: restore it in Concur's list management")

// ListCopyOptions configure a copy that is a list. Nil, and each field's zero
// value, mean the defaults.
type ListCopyOptions struct {
	// MaxName is how many characters of a name are sent; the rest is cut off and
	// replaced by "…". Default: all. The List v4 pages name no limit; version 3 had
	// 64.
	MaxName int
}

type listCopy struct {
	client *concur.Client
	list   string
	opts   ListCopyOptions
}

// ListCopy returns a copy of a reference set that is one of Concur's lists, by
// the list's UUID. Items are made, renamed and deleted by the List Item Bulk v4
// service; codes and names go out encoded (EncodeCode, EncodeName). Edits of one
// call have parents before their children. It makes no call.
//
// Whatever was done before does no harm: a code that exists is renamed, one that
// is gone is not missed. Retiring deletes the item with its children: that is
// all that the service offers. An item whose code was deleted and comes back is
// created anew; where Concur refuses that, its deletion is taken back; where
// that is refused too the edit's error is ErrCodeDeleted. The vendor documents
// only that a deleted code occupies its place, so which of the three happens is
// to be seen on a live tenant.
//
// A list that another app manages, or that does not exist, is
// connector.ErrConnection.
func ListCopy(c *concur.Client, listID string, opts *ListCopyOptions) connector.Copy[document.ListItem] {
	l := &listCopy{client: c, list: listID}
	if opts != nil {
		l.opts = *opts
	}
	return l
}

// Limit implements connector.Copy.
func (l *listCopy) Limit() int { return concur.MaxListParts }

// Apply implements connector.Copy.
func (l *listCopy) Apply(ctx context.Context, edits []connector.Edit[document.ListItem]) ([]error, error) {
	each := make([]error, 0, len(edits))
	for run := range runs(edits) {
		errs, err := l.apply(ctx, run)
		if err != nil {
			return nil, err
		}
		each = append(each, errs...)
	}
	return each, nil
}

// step is what is done about an item next.
type step int

const (
	finished step = iota
	create
	rename
	restore
	remove
)

// part is an edit on its way.
type part struct {
	path  []string
	name  string
	next  step
	tried map[step]bool
	err   error // why it is not done
}

func (l *listCopy) part(e connector.Edit[document.ListItem]) *part {
	p := &part{tried: map[step]bool{}, next: create}
	p.path, p.err = document.ListPath(e.Key)
	switch {
	case p.err != nil:
		p.next = finished
	case e.Retire:
		p.next = remove
	case e.Content.Key() != e.Key:
		p.next, p.err = finished, fmt.Errorf("concursync: the key %q is not that of the item", e.Key)
	case e.Known:
		p.next = rename
	}
	p.name = e.Content.Name
	if strings.TrimSpace(p.name) == "" {
		p.name = e.Content.Code // a name is required
	}
	if p.name = EncodeName(p.name); l.opts.MaxName > 0 {
		if r := []rune(p.name); len(r) > l.opts.MaxName {
			p.name = string(r[:l.opts.MaxName-1]) + "…"
		}
	}
	return p
}

// maxRounds is more than the steps that one item can take.
const maxRounds = 6

// apply brings a run of edits to effect, in rounds of one call that creates and
// one that changes: what one step meets decides the next.
func (l *listCopy) apply(ctx context.Context, edits []connector.Edit[document.ListItem]) ([]error, error) {
	parts := make([]*part, len(edits))
	for i, e := range edits {
		parts[i] = l.part(e)
	}
	for range maxRounds {
		var made, changed []*part
		for _, p := range parts {
			switch p.next {
			case create:
				made = append(made, p)
			case rename, restore, remove:
				changed = append(changed, p)
			case finished:
			}
		}
		if len(made)+len(changed) == 0 {
			break
		}
		others := len(changed) > 0
		if err := l.call(made, func() ([]error, error) {
			return persist(ctx, l.client, func() ([]error, error) { return l.client.ListItems.BulkCreate(ctx, l.list, creations(made)) })
		}, func(p *part, fault *concur.ListItemError) { p.notCreated(fault, others) }); err != nil {
			return nil, err
		}
		if err := l.call(changed, func() ([]error, error) {
			return persist(ctx, l.client, func() ([]error, error) { return l.client.ListItems.BulkUpdate(ctx, l.list, changes(changed)) })
		}, (*part).notChanged); err != nil {
			return nil, err
		}
	}
	errs := make([]error, len(parts))
	for i, p := range parts {
		errs[i] = p.err
	}
	return errs, nil
}

func creations(parts []*part) []concur.ListItemPart {
	out := make([]concur.ListItemPart, len(parts))
	for i, p := range parts {
		last := len(p.path) - 1
		out[i] = concur.ListItemPart{ShortCode: EncodeCode(p.path[last]), Value: p.name, ParentCode: longCode(p.path[:last])}
	}
	return out
}

func changes(parts []*part) []concur.ListItemChange {
	out := make([]concur.ListItemChange, len(parts))
	for i, p := range parts {
		out[i] = concur.ListItemChange{Code: longCode(p.path)}
		if p.next == remove || p.next == restore {
			deleted := p.next == remove
			out[i].Deleted = &deleted
		}
		if p.next != remove {
			out[i].Value = p.name
		}
	}
	return out
}

// call sends parts and lets each decide by what it met what comes next.
func (l *listCopy) call(parts []*part, send func() ([]error, error), refused func(*part, *concur.ListItemError)) error {
	if len(parts) == 0 {
		return nil
	}
	errs, err := send()
	if err != nil {
		return l.whole(err)
	}
	for i, p := range parts {
		p.tried[p.next] = true
		var fault *concur.ListItemError
		switch {
		case errs[i] == nil:
			p.next, p.err = finished, nil
		case !errors.As(errs[i], &fault):
			p.next, p.err = finished, errs[i]
		case fault.ID == concur.ListNotFound || fault.ID == concur.ListDeleted:
			return l.whole(fault)
		default:
			p.err = fault
			refused(p, fault)
		}
	}
	return nil
}

// try takes a step that was not taken yet; otherwise the refusal stands.
func (p *part) try(s step) {
	if p.tried[s] {
		s = finished
	}
	p.next = s
}

// notCreated decides after a refused creation. With others under way the parent
// may be among them, so the creation comes once more.
func (p *part) notCreated(fault *concur.ListItemError, others bool) {
	switch fault.ID {
	case concur.ItemDuplicateCode:
		if p.tried[rename] {
			p.try(restore) // what a change does not find is deleted
			return
		}
		p.try(rename)
	case concur.ItemDuplicateCodeDeleted:
		p.try(restore)
	case concur.ItemParentNotFound, concur.ItemParentDeleted:
		if !others {
			p.next = finished
		}
	default:
		p.next = finished
	}
}

func (p *part) notChanged(fault *concur.ListItemError) {
	gone := fault.ID == concur.ItemNotFound || fault.ID == concur.ItemDeleted
	switch {
	case p.next == remove && gone:
		p.next, p.err = finished, nil
	case p.next == rename && gone && !p.tried[create]:
		p.next = create
	case p.next == rename && fault.ID == concur.ItemDeleted, fault.ID == concur.ItemDuplicateCodeDeleted:
		p.try(restore)
	case p.next == restore:
		p.next, p.err = finished, fmt.Errorf("%w (%w)", ErrCodeDeleted, fault)
	default:
		p.next = finished
	}
}

// whole is a failure of the whole call in the contract's words.
func (l *listCopy) whole(err error) error {
	var refused *concur.Error
	var fault *concur.ListItemError
	switch {
	case errors.As(err, &refused) && refused.Code == "list.is.managed":
		return fmt.Errorf("%w: concursync: list %s may only be changed by the app that manages it: %w", connector.ErrConnection, l.list, err)
	case errors.As(err, &fault), errors.Is(err, concur.ErrNotFound):
		return fmt.Errorf("%w: concursync: there is no list %s: %w", connector.ErrConnection, l.list, err)
	default:
		return translate(err)
	}
}

// runs cuts edits, in their order, into runs that can be sent together: of one
// kind, and of no key twice.
func runs[T any](edits []connector.Edit[T]) func(yield func([]connector.Edit[T]) bool) {
	return func(yield func([]connector.Edit[T]) bool) {
		start, seen := 0, map[string]bool{}
		for i, e := range edits {
			if seen[e.Key] || e.Retire != edits[start].Retire {
				if !yield(edits[start:i]) {
					return
				}
				start, seen = i, map[string]bool{}
			}
			seen[e.Key] = true
		}
		if start < len(edits) {
			yield(edits[start:])
		}
	}
}
