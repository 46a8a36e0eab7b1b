package concurtest

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
)

// DeletedCodes says what becomes of a list item's code after the item was
// deleted. The vendor documents that it goes on to occupy its place, not whether
// there is a way back.
type DeletedCodes string

// What a deleted code does.
const (
	// DeletedStay: creating it is a duplicate, changing it is item.deleted.
	DeletedStay DeletedCodes = "stay"
	// DeletedRestore: as DeletedStay, but a bulk change with deleted false brings
	// the item back.
	DeletedRestore DeletedCodes = "restore"
	// DeletedFree: the code can be created anew.
	DeletedFree DeletedCodes = "free"
)

// ListItem is an item as it stands in a list.
type ListItem struct {
	ID, Code, ShortCode, Name string // Code is the long code
	Level                     int
	Deleted                   bool
}

// Items returns the items of the list in the order in which they were made,
// deleted ones included.
func (l *List) Items() []ListItem {
	l.company.s.mu.Lock()
	defer l.company.s.mu.Unlock()
	out := make([]ListItem, 0, len(l.items))
	for _, it := range l.items {
		out = append(out, ListItem{ID: it.id, Code: it.code, ShortCode: it.short, Name: it.name, Level: it.level, Deleted: it.deleted})
	}
	return out
}

// Names returns the names of the items that are not deleted, by their long codes.
func (l *List) Names() map[string]string {
	names := map[string]string{}
	for _, it := range l.Items() {
		if !it.Deleted {
			names[it.Code] = it.Name
		}
	}
	return names
}

// Manage lets only the app change the list and its items from now on; nil lifts
// that again.
func (l *List) Manage(a *App) {
	l.company.s.mu.Lock()
	defer l.company.s.mu.Unlock()
	l.managed = ""
	if a != nil {
		l.managed = a.ClientID
	}
}

// ListNamed returns the list with the name, nil without one.
func (c *Company) ListNamed(name string) *List {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	for _, l := range c.lists {
		if l.name == name && !l.deleted {
			return l
		}
	}
	return nil
}

// RateLimited is a fault that answers the next calls of the bulk services as the
// vendor does when there are too many: 429 with a retry-after of 0.
func RateLimited(times int) Fault {
	return Fault{
		Path: "/bulk", Times: times, Status: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {"0"}, "Content-Type": {"application/json"}},
		Body: `{"timestamp":"2026-10-30T10:00:00.000+00:00","httpStatus":"429 - Too Many Requests","error":{"id":"security.rate.limit.reached","message":"Too many requests"},"path":"/list/v4/lists"}`,
	}
}

func listWriteRoutes() []route {
	write, remove := []string{scopeItemWrite}, []string{scopeItemDelete}
	return []route{
		{"POST /list/v4/lists", list4, []string{scopeListWrite}, serveCreateList},
		{"PUT /list/v4/lists/{list}", list4, []string{scopeListWrite}, serveUpdateList},
		{"DELETE /list/v4/lists/{list}", list4, []string{scopeListDelete}, serveDeleteList},
		{"POST /list/v4/items", list4, write, serveCreateItem},
		{"PUT /list/v4/items/{item}", list4, write, serveUpdateItem},
		{"DELETE /list/v4/items/{item}", list4, remove, serveDeleteItem},
		{"DELETE /list/v4/lists/{list}/items/{item}", list4, remove, serveDeleteItem},
		{"POST /list/v4/lists/{list}/bulk", list4, write, serveBulkCreate},
		{"PATCH /list/v4/lists/{list}/bulk", list4, write, serveBulkUpdate},
	}
}

// decode reads a JSON body; what it does not know is a mistake of the caller.
func (c *call) decode(into any) error {
	d := json.NewDecoder(c.r.Body)
	d.DisallowUnknownFields()
	return d.Decode(into)
}

func (c *call) invalid(source, message string) reply {
	rep := c.refuseAs(http.StatusBadRequest, "request.validation.error", "Please check your request parameter")
	if e, ok := rep.body.(errorList); ok {
		e.ValidationErrors = []validationError{{Source: source, Message: message}}
		rep.body = e
	}
	return rep
}

// managedByOther refuses the changes of an app that does not manage the list.
func (c *call) managedByOther(l *List) (reply, bool) {
	if l.managed == "" || l.managed == c.token.app.ClientID {
		return reply{}, false
	}
	return c.refuseAs(http.StatusBadRequest, "list.is.managed", "Modify operation not permitted on this managed list"), true
}

func serveCreateList(c *call) reply {
	var in struct {
		Value          string `json:"value"`
		SearchCriteria string `json:"searchCriteria"`
		DisplayFormat  string `json:"displayFormat"`
		CategoryID     string `json:"categoryId"`
		IsManaged      bool   `json:"isManaged"`
	}
	if err := c.decode(&in); err != nil {
		return c.invalid("body", err.Error())
	}
	if in.Value == "" {
		return c.invalid("value", "must not be empty")
	}
	for _, l := range c.company.lists {
		if l.name == in.Value && !l.deleted {
			return c.refuseAs(http.StatusBadRequest, "list.duplicate.name", "This list name is already used")
		}
	}
	l := &List{company: c.company, id: c.s.ids.uuid("list"), name: in.Value, search: in.SearchCriteria, format: in.DisplayFormat}
	if in.IsManaged {
		l.managed = c.token.app.ClientID
	}
	c.company.lists = append(c.company.lists, l)
	return reply{status: http.StatusCreated, body: l.wire()}
}

// living is the list of the path that the caller may change.
func (c *call) living() (*List, reply) {
	l, refused := c.list()
	if l == nil {
		return nil, refused
	}
	if rep, no := c.managedByOther(l); no {
		return nil, rep
	}
	if l.deleted {
		return nil, c.refuseAs(http.StatusBadRequest, "list.deleted", "The list has been deleted")
	}
	return l, reply{}
}

func serveUpdateList(c *call) reply {
	l, refused := c.living()
	if l == nil {
		return refused
	}
	var in struct {
		Value          string `json:"value"`
		SearchCriteria string `json:"searchCriteria"`
		DisplayFormat  string `json:"displayFormat"`
		IsManaged      *bool  `json:"isManaged"`
	}
	if err := c.decode(&in); err != nil {
		return c.invalid("body", err.Error())
	}
	if in.Value == "" {
		return c.invalid("value", "must not be empty")
	}
	for _, o := range c.company.lists {
		if o != l && o.name == in.Value && !o.deleted {
			return c.refuseAs(http.StatusBadRequest, "list.duplicate.name", "This list name is already used")
		}
	}
	l.name, l.search, l.format = in.Value, orElse(in.SearchCriteria, l.search), orElse(in.DisplayFormat, l.format)
	if in.IsManaged != nil {
		if l.managed = ""; *in.IsManaged {
			l.managed = c.token.app.ClientID
		}
	}
	return ok(l.wire())
}

// serveDeleteList deletes a list with its items, which stay readable by their ids.
func serveDeleteList(c *call) reply {
	l, refused := c.living()
	if l == nil {
		return refused
	}
	l.deleted = true
	for _, it := range l.items {
		it.deleted = true
	}
	return none()
}

// itemFault is why a part of a bulk call, or a call about one item, was refused.
type itemFault struct{ id, message string }

func faultOf(id string) *itemFault {
	messages := map[string]string{
		"list.deleted":                "The list has been deleted",
		"item.not.found":              "The list item could not be found",
		"item.deleted":                "The list item has been deleted",
		"item.duplicate.code":         "This item code is already used by another item in the same list",
		"item.duplicate.code.deleted": "This item code is already used by a deleted item in the same list",
		"item.parent.not.found":       "The parent item could not be found",
		"item.parent.deleted":         "The parent item has been deleted",
		"item.max.level.exceeded":     "The list cannot have more levels",
	}
	return &itemFault{id, messages[id]}
}

const maxLevels = 10

// hyphens refuses what the vendor calls not supported, unless the option lets it in.
func (c *call) hyphens(texts ...string) *itemFault {
	if c.s.opts.KeepHyphens {
		return nil
	}
	for _, t := range texts {
		if strings.Contains(t, "-") {
			return &itemFault{"request.validation.error", "a hyphen in a code or a name is not supported: it separates the levels of a long code"}
		}
	}
	return nil
}

// find returns the item with a long code, one that lives rather than a deleted one.
func (l *List) find(code string) *item {
	var dead *item
	for _, it := range l.items {
		if it.code != code {
			continue
		}
		if !it.deleted {
			return it
		}
		dead = it
	}
	return dead
}

// create makes one item below parent, which is a long code.
func (c *call) create(l *List, short, name, parent string) (*item, *itemFault) {
	if l.deleted {
		return nil, faultOf("list.deleted")
	}
	if short == "" || name == "" {
		return nil, &itemFault{"request.validation.error", "shortCode and value must not be empty"}
	}
	if f := c.hyphens(short, name); f != nil {
		return nil, f
	}
	it := &item{id: c.s.ids.uuid("item"), short: short, code: short, name: name, level: 1}
	if parent != "" {
		above := l.find(parent)
		switch {
		case above == nil:
			return nil, faultOf("item.parent.not.found")
		case above.deleted:
			return nil, faultOf("item.parent.deleted")
		case above.level == maxLevels:
			return nil, faultOf("item.max.level.exceeded")
		}
		it.parent, it.level, it.code = above.id, above.level+1, above.code+"-"+short
		above.hasChildren = true
	}
	if have := l.find(it.code); have != nil && (!have.deleted || c.s.opts.DeletedCodes != DeletedFree) {
		return nil, faultOf("item.duplicate.code")
	}
	l.items = append(l.items, it)
	return it, nil
}

// remove deletes an item with its children.
func (l *List) remove(it *item) {
	it.deleted = true
	for _, below := range l.items {
		if strings.HasPrefix(below.code, it.code+"-") {
			below.deleted = true
		}
	}
}

func (c *call) itemRefusal(f *itemFault) reply {
	status := http.StatusBadRequest
	if strings.HasSuffix(f.id, "not.found") {
		status = http.StatusNotFound
	}
	return c.refuseAs(status, f.id, f.message)
}

func serveCreateItem(c *call) reply {
	var in struct {
		ListID     string `json:"listId"`
		ShortCode  string `json:"shortCode"`
		Value      string `json:"value"`
		ParentID   string `json:"parentId"`
		ParentCode string `json:"parentCode"`
	}
	if err := c.decode(&in); err != nil {
		return c.invalid("body", err.Error())
	}
	i := slices.IndexFunc(c.company.lists, func(l *List) bool { return strings.EqualFold(l.id, in.ListID) })
	if i < 0 {
		return c.refuseAs(http.StatusNotFound, "list.not.found", "List not found")
	}
	l := c.company.lists[i]
	if rep, refused := c.managedByOther(l); refused {
		return rep
	}
	if in.ParentID != "" {
		j := slices.IndexFunc(l.items, func(it *item) bool { return strings.EqualFold(it.id, in.ParentID) })
		if j < 0 {
			return c.itemRefusal(faultOf("item.parent.not.found"))
		}
		in.ParentCode = l.items[j].code
	}
	it, f := c.create(l, in.ShortCode, in.Value, in.ParentCode)
	if f != nil {
		return c.itemRefusal(f)
	}
	return reply{status: http.StatusCreated, body: l.wireItem(it)}
}

func serveUpdateItem(c *call) reply {
	l, it, refused := c.item()
	if it == nil {
		return refused
	}
	if rep, no := c.managedByOther(l); no {
		return rep
	}
	var in struct {
		ShortCode string `json:"shortCode"`
		Value     string `json:"value"`
	}
	if err := c.decode(&in); err != nil {
		return c.invalid("body", err.Error())
	}
	if in.ShortCode == "" || in.Value == "" {
		return c.invalid("shortCode", "shortCode and value must not be empty")
	}
	if f := c.hyphens(in.ShortCode, in.Value); f != nil {
		return c.itemRefusal(f)
	}
	if it.deleted {
		return c.itemRefusal(faultOf("item.deleted"))
	}
	code := strings.TrimSuffix(it.code, it.short) + in.ShortCode
	if have := l.find(code); have != nil && have != it {
		return c.itemRefusal(faultOf("item.duplicate.code"))
	}
	for _, below := range l.items {
		if rest, found := strings.CutPrefix(below.code, it.code+"-"); found {
			below.code = code + "-" + rest
		}
	}
	it.code, it.short, it.name = code, in.ShortCode, in.Value
	return ok(l.wireItem(it))
}

func serveDeleteItem(c *call) reply {
	l, it, refused := c.item()
	if it == nil {
		return refused
	}
	if id := c.r.PathValue("list"); id != "" && !strings.EqualFold(id, l.id) {
		return c.refuseAs(http.StatusNotFound, "item.not.found", "List item not found in this list")
	}
	if rep, no := c.managedByOther(l); no {
		return rep
	}
	l.remove(it)
	return reply{status: http.StatusNoContent}
}
