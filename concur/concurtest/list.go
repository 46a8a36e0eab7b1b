package concurtest

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// Item is a list item to be added: a cost centre, a project, an account.
type Item struct {
	Code     string // short code; no hyphen, which separates the levels of a long code
	Name     string // shown text; default the code
	ID       string // UUID; default made up
	Children []Item
}

// List is a list of a company, such as its cost centres.
type List struct {
	company *Company
	id      string
	name    string
	deleted bool
	items   []*item

	managed        string // client id of the app that alone may change it
	search, format string // "" is the default
}

// item is an item where it lives: in exactly one list. Items that several
// lists share are not made here.
type item struct {
	id, code, short, name, parent string
	level                         int
	deleted, hasChildren          bool
}

// AddList makes a list with its items, children included.
func (c *Company) AddList(name string, items ...Item) *List {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	l := &List{company: c, id: c.s.ids.uuid("list"), name: name}
	c.lists = append(c.lists, l)
	l.add(nil, items)
	return l
}

// ID returns the list's UUID.
func (l *List) ID() string { return l.id }

// Name returns the list's name.
func (l *List) Name() string { return l.name }

// Add adds first-level items.
func (l *List) Add(items ...Item) {
	l.company.s.mu.Lock()
	defer l.company.s.mu.Unlock()
	l.add(nil, items)
}

// Rename gives the item with the long code another text.
func (l *List) Rename(code, name string) {
	l.company.s.mu.Lock()
	defer l.company.s.mu.Unlock()
	l.must(code).name = name
}

// Delete marks the item with the long code and its children as deleted. A
// deleted item can still be read by its id.
func (l *List) Delete(code string) {
	l.company.s.mu.Lock()
	defer l.company.s.mu.Unlock()
	l.must(code).deleted = true
	for _, it := range l.items {
		if strings.HasPrefix(it.code, code+"-") {
			it.deleted = true
		}
	}
}

// Value returns the item with the long code as the value of a custom field.
func (l *List) Value(code string) Value {
	l.company.s.mu.Lock()
	defer l.company.s.mu.Unlock()
	it := l.must(code)
	return Value{Text: it.name, Code: it.short, ItemID: it.id}
}

func (l *List) must(code string) *item {
	i := slices.IndexFunc(l.items, func(it *item) bool { return it.code == code })
	if i < 0 {
		panic(fmt.Sprintf("concurtest: list %q has no item with the code %q", l.name, code))
	}
	return l.items[i]
}

func (l *List) add(parent *item, items []Item) {
	for _, in := range items {
		if in.Code == "" || strings.Contains(in.Code, "-") || strings.Contains(in.Name, "-") {
			panic(fmt.Sprintf("concurtest: list %q: item code %q or name %q: a code is required and a hyphen separates levels", l.name, in.Code, in.Name))
		}
		it := &item{
			id: strings.ToLower(orElse(in.ID, l.company.s.ids.uuid("item"))), short: in.Code, code: in.Code,
			name: orElse(in.Name, in.Code), level: 1, hasChildren: len(in.Children) > 0,
		}
		if parent != nil {
			it.parent, it.level, it.code = parent.id, parent.level+1, parent.code+"-"+in.Code
		}
		if slices.ContainsFunc(l.items, func(o *item) bool { return o.code == it.code }) {
			panic(fmt.Sprintf("concurtest: list %q has two items with the code %q", l.name, it.code))
		}
		l.items = append(l.items, it)
		l.add(it, in.Children)
	}
}

func (l *List) levels() int {
	n := 1
	for _, it := range l.items {
		n = max(n, it.level)
	}
	return n
}

// wireList is a list of the List v4 page.
type wireList struct {
	ID             string       `json:"id"`
	Value          string       `json:"value"`
	LevelCount     int          `json:"levelCount"`
	SearchCriteria string       `json:"searchCriteria"`
	DisplayFormat  string       `json:"displayFormat"`
	Category       wireCategory `json:"category"`
	IsReadOnly     bool         `json:"isReadOnly"`
	IsDeleted      bool         `json:"isDeleted"`
	ManagedBy      *string      `json:"managedBy"`
}

type wireCategory struct {
	ID   string `json:"id"`
	Type string `json:"type"`
}

// wireItem is an item of the List Item v4 page.
type wireItem struct {
	ID        string         `json:"id"`
	Code      string         `json:"code"`
	ShortCode string         `json:"shortCode"`
	Value     string         `json:"value"`
	ParentID  string         `json:"parentId,omitempty"`
	Level     int            `json:"level"`
	IsDeleted bool           `json:"isDeleted"`
	Lists     []wireItemList `json:"lists"`
}

type wireItemList struct {
	ID          string `json:"id"`
	HasChildren bool   `json:"hasChildren"`
}

type wirePage struct {
	Links   []wireLink `json:"links"`
	Content any        `json:"content"`
	Page    struct {
		Size          int `json:"size"`
		TotalElements int `json:"totalElements"`
		TotalPages    int `json:"totalPages"`
		Number        int `json:"number"`
	} `json:"page"`
}

type wireLink struct {
	Rel  string `json:"rel"`
	Href string `json:"href"`
}

func listRoutes() []route {
	items := []string{scopeItemRead}
	return []route{
		{"GET /list/v4/lists", list4, []string{scopeListRead}, serveLists},
		{"GET /list/v4/categories/{category}/lists", list4, []string{scopeListRead}, serveCategory},
		{"GET /list/v4/lists/{list}", list4, []string{scopeListRead}, serveList},
		{"GET /list/v4/lists/{list}/children", list4, items, serveChildren},
		{"GET /list/v4/lists/{list}/items/{item}/children", list4, items, serveChildren},
		{"GET /list/v4/items/{item}", list4, items, serveItem},
		{"GET /list/v4/items/{item}/children", list4, items, serveChildren},
	}
}

func (l *List) wire() wireList {
	w := wireList{
		ID: l.id, Value: l.name, LevelCount: l.levels(), SearchCriteria: orElse(l.search, "TEXT"),
		DisplayFormat: orElse(l.format, "(CODE) TEXT"),
		Category:      wireCategory{ID: l.company.policyUUID(), Type: "Normal"}, IsDeleted: l.deleted,
	}
	if l.managed != "" {
		by := "appId:" + l.managed
		w.ManagedBy = &by
	}
	return w
}

func (l *List) wireItem(it *item) wireItem {
	w := wireItem{
		ID: it.id, Code: it.code, ShortCode: it.short, Value: it.name, ParentID: it.parent, Level: it.level,
		IsDeleted: it.deleted, Lists: []wireItemList{},
	}
	if !it.deleted {
		w.Lists = append(w.Lists, wireItemList{ID: l.id, HasChildren: it.hasChildren})
	}
	return w
}

func serveLists(c *call) reply {
	q := c.r.URL.Query()
	rows := make([]wireList, 0, len(c.company.lists))
	for _, l := range c.company.lists {
		if !matches(q.Get("value"), l.name) || !matches(q.Get("levelCount"), strconv.Itoa(l.levels())) ||
			!matches(q.Get("category.type"), "Normal") || l.deleted != (q.Get("isDeleted") == "true") {
			continue
		}
		rows = append(rows, l.wire())
	}
	order := func(a, b wireList) int { return strings.Compare(a.Value, b.Value) }
	if q.Get("sortBy") == "levelcount" {
		order = func(a, b wireList) int { return a.LevelCount - b.LevelCount }
	}
	if q.Get("sortBy") != "" {
		slices.SortStableFunc(rows, order)
	}
	if q.Get("sortDirection") == "desc" {
		slices.Reverse(rows)
	}
	return pageOf(c, rows)
}

// serveCategory knows one category, which all lists are in.
func serveCategory(c *call) reply {
	if id := c.r.PathValue("category"); !strings.EqualFold(id, c.company.policyUUID()) {
		return c.refuseAs(http.StatusNotFound, "category.not.found", "Category not found")
	}
	rows := make([]wireList, 0, len(c.company.lists))
	for _, l := range c.company.lists {
		if !l.deleted {
			rows = append(rows, l.wire())
		}
	}
	return pageOf(c, rows)
}

func serveList(c *call) reply {
	l, refused := c.list()
	if l == nil {
		return refused
	}
	return ok(l.wire())
}

func (c *call) list() (*List, reply) {
	id := c.r.PathValue("list")
	if !isUUID(id) {
		return nil, c.refuseAs(http.StatusBadRequest, "request.validation.error", "listId must be a UUID")
	}
	for _, l := range c.company.lists {
		if strings.EqualFold(l.id, id) {
			return l, reply{}
		}
	}
	return nil, c.refuseAs(http.StatusNotFound, "list.not.found", "List not found")
}

func (c *call) item() (*List, *item, reply) {
	id := c.r.PathValue("item")
	if !isUUID(id) {
		return nil, nil, c.refuseAs(http.StatusBadRequest, "request.validation.error", "itemId must be a UUID")
	}
	for _, l := range c.company.lists {
		for _, it := range l.items {
			if strings.EqualFold(it.id, id) {
				return l, it, reply{}
			}
		}
	}
	return nil, nil, c.refuseAs(http.StatusNotFound, "item.not.found", "List item not found")
}

func serveItem(c *call) reply {
	l, it, refused := c.item()
	if it == nil {
		return refused
	}
	return ok(l.wireItem(it))
}

// serveChildren answers the three children calls: one level of a list, of an
// item, or of an item in a list.
func serveChildren(c *call) reply {
	var l *List
	var parent string
	if c.r.PathValue("list") != "" {
		var refused reply
		if l, refused = c.list(); l == nil {
			return refused
		}
	}
	if c.r.PathValue("item") != "" {
		in, it, refused := c.item()
		if it == nil {
			return refused
		}
		if l != nil && l != in {
			return c.refuseAs(http.StatusNotFound, "item.not.found", "List item not found in this list")
		}
		l, parent = in, it.id
	}
	q := c.r.URL.Query()
	rows := []wireItem{}
	for _, it := range l.items {
		if it.parent != parent || it.deleted != (q.Get("isDeleted") == "true") {
			continue
		}
		either := q.Get("shortCodeOrValue")
		if !matches(q.Get("shortCode"), it.short) || !matches(q.Get("value"), it.name) ||
			!matches(either, it.short) && !matches(either, it.name) || q.Get("hasChildren") == "true" && !it.hasChildren {
			continue
		}
		rows = append(rows, l.wireItem(it))
	}
	if q.Get("sortBy") == "value" {
		slices.SortStableFunc(rows, func(a, b wireItem) int { return strings.Compare(a.Value, b.Value) })
	}
	return pageOf(c, rows)
}

// matches compares a value with a condition such as "sw:Cost"; without an
// operator it is equality, and "" is no condition.
func matches(condition, value string) bool {
	op, text, found := strings.Cut(condition, ":")
	switch {
	case condition == "":
		return true
	case found && op == "eq":
		return value == text
	case found && op == "not":
		return value != text
	case found && op == "sw":
		return strings.HasPrefix(value, text)
	case found && op == "ew":
		return strings.HasSuffix(value, text)
	case found && op == "cp":
		return strings.Contains(value, text)
	default:
		return value == condition
	}
}

// pageOf cuts one page of 100 out of rows; pages count from 1.
func pageOf[T any](c *call, rows []T) reply {
	const size = 100
	n := 1
	if v := c.r.URL.Query().Get("page"); v != "" {
		var err error
		if n, err = strconv.Atoi(v); err != nil || n < 1 {
			return c.refuseAs(http.StatusBadRequest, "request.validation.error", "page must be 1 or more")
		}
	}
	from := len(rows)
	if pages := (len(rows) + size - 1) / size; n <= pages {
		from = (n - 1) * size
	}
	p := wirePage{Links: []wireLink{}, Content: rows[from:min(from+size, len(rows))]}
	p.Page.Size, p.Page.TotalElements, p.Page.Number = size, len(rows), n
	p.Page.TotalPages = (len(rows) + size - 1) / size
	return ok(p)
}
