package concurtest

import (
	"fmt"
	"net/http"
	"slices"
)

// bulkAnswer is the body of every outcome of a bulk call.
type bulkAnswer struct {
	Status    string      `json:"status"`
	Succeeded int         `json:"recordsSucceeded"`
	Failed    int         `json:"recordsFailed"`
	Errors    []bulkFault `json:"errors"`
}

type bulkFault struct {
	ID       string `json:"id"`
	Message  string `json:"message"`
	ListItem any    `json:"listItem"`
}

type createPart struct {
	ShortCode  string `json:"shortCode"`
	Value      string `json:"value"`
	ParentCode string `json:"parentCode,omitempty"`
}

type updatePart struct {
	Code    string `json:"code"`
	Value   string `json:"value,omitempty"`
	Deleted *bool  `json:"deleted,omitempty"`
}

const maxParts = 250

func serveBulkCreate(c *call) reply {
	return bulk(c, http.StatusCreated, func(l *List, p createPart) *itemFault {
		_, f := c.create(l, p.ShortCode, p.Value, p.ParentCode)
		return f
	})
}

func serveBulkUpdate(c *call) reply {
	return bulk(c, http.StatusOK, func(l *List, p updatePart) *itemFault {
		it := l.find(p.Code)
		switch {
		case l.deleted:
			return faultOf("list.deleted")
		case it == nil:
			return faultOf("item.not.found")
		case it.deleted && p.Deleted != nil && !*p.Deleted && c.s.opts.DeletedCodes == DeletedRestore:
			it.deleted = false
		case it.deleted:
			return faultOf("item.deleted")
		}
		if f := c.hyphens(p.Value); f != nil {
			return f
		}
		if p.Value != "" {
			it.name = p.Value
		}
		if p.Deleted != nil && *p.Deleted {
			if !slices.Contains(c.token.scopes, scopeItemDelete) {
				return &itemFault{"security.forbidden", "the access token lacks the scope " + scopeItemDelete}
			}
			l.remove(it)
		}
		return nil
	})
}

// bulk runs the parts in their order: what is done stays done.
func bulk[P any](c *call, success int, do func(*List, P) *itemFault) reply {
	l, refused := c.list()
	if l == nil {
		return refused
	}
	if rep, no := c.managedByOther(l); no {
		return rep
	}
	var in struct {
		Requests []P `json:"requests"`
	}
	if err := c.decode(&in); err != nil {
		return c.invalid("requests", err.Error())
	}
	if len(in.Requests) < 1 || len(in.Requests) > maxParts {
		return c.invalid("requests", fmt.Sprintf("size must be between 1 and %d", maxParts))
	}
	out := bulkAnswer{Errors: []bulkFault{}}
	for _, p := range in.Requests {
		if f := do(l, p); f != nil {
			out.Failed++
			out.Errors = append(out.Errors, bulkFault{ID: f.id, Message: f.message, ListItem: p})
			continue
		}
		out.Succeeded++
	}
	switch {
	case out.Failed == 0:
		out.Status = "SUCCESS"
		return reply{status: success, body: out}
	case out.Succeeded == 0:
		out.Status = "FAILURE"
		return reply{status: http.StatusBadRequest, body: out}
	default:
		out.Status = "PARTIAL_SUCCESS"
		return reply{status: http.StatusPartialContent, body: out}
	}
}
