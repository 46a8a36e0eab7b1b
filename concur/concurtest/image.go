package concurtest

import (
	"encoding/xml"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Image is a receipt or the image of an invoice.
type Image struct {
	ID          string
	ContentType string
	Data        []byte
	received    time.Time
}

// imagePath is where the bytes of images stand: no token is taken there.
const imagePath = "/concurtest/images/"

const imageLife = 15 * time.Minute

// AddImage gives a receipt, report, entry or invoice its image: kind and id are
// those of the Image v1 service ("receipt", "report", "expenseentry", "invoice").
// It returns the image's id.
func (c *Company) AddImage(kind, id, contentType string, data []byte) string {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	return c.addImage(kind, id, contentType, data)
}

// Image returns the image of a receipt, report, entry or invoice.
func (c *Company) Image(kind, id string) (Image, bool) {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	i, found := c.images[kind+"/"+id]
	return i, found
}

func (c *Company) addImage(kind, id, contentType string, data []byte) string {
	i := Image{ID: c.s.ids.upper("image", 32), ContentType: contentType, Data: slices.Clone(data), received: c.s.now()}
	if c.images == nil {
		c.images = map[string]Image{}
	}
	if id != "" {
		c.images[kind+"/"+id] = i
	}
	c.images["receipt/"+i.ID] = i
	return i.ID
}

func imageRoutes() []route {
	const base, receipts = "/api/image/v1.0/", "/spend-documents/v4/receipts"
	scopes, documents := []string{scopeImages}, []string{scopeDocuments}
	return []route{
		{"GET " + base + "{kind}/{id}", gateway, scopes, serveImage},
		{"POST " + base + "{kind}/{id}", gateway, scopes, serveAddImage},
		{"POST " + base + "receipt", gateway, scopes, serveAddImage},
		{"GET " + receipts, spend4, documents, serveDocumentByImage},
		{"GET " + receipts + "/{id}", spend4, documents, serveDocument},
		{"GET " + receipts + "/{id}/representations", spend4, documents, serveRepresentation},
	}
}

// markup is a body that is no JSON.
type markup struct {
	contentType string
	body        []byte
}

// imageXML is the answer of the Image v1 service, which speaks nothing else.
func imageXML(status int, id, url string) reply {
	var b strings.Builder
	b.WriteString(`<Image xmlns="http://www.concursolutions.com/api/image/2011/02" xmlns:i="http://www.w3.org/2001/XMLSchema-instance"><Id>`)
	_ = xml.EscapeText(&b, []byte(id)) // a Builder does not fail
	b.WriteString(`</Id><Url>`)
	_ = xml.EscapeText(&b, []byte(url))
	b.WriteString(`</Url></Image>`)
	return reply{status: status, body: markup{"application/xml", []byte(b.String())}}
}

func serveImage(c *call) reply {
	i, found := c.company.images[c.r.PathValue("kind")+"/"+c.r.PathValue("id")]
	if !found {
		return c.refuse(http.StatusNotFound, "no image")
	}
	ticket := c.s.ids.hex("ticket", 32)
	if c.s.tickets == nil {
		c.s.tickets = map[string]ticketed{}
	}
	c.s.tickets[ticket] = ticketed{image: i, expires: c.s.now().Add(imageLife)}
	return imageXML(http.StatusOK, c.r.PathValue("id"), c.base()+imagePath+ticket+"?cid=able&val="+ticket[:8])
}

// ticketed is an image that can be fetched for a while without a token.
type ticketed struct {
	image   Image
	expires time.Time
}

func serveAddImage(c *call) reply {
	data, err := io.ReadAll(io.LimitReader(c.r.Body, 10<<20+1))
	kind, id := orElse(c.r.PathValue("kind"), "receipt"), c.r.PathValue("id")
	_, exists := c.company.images[kind+"/"+id]
	switch {
	case err != nil || len(data) == 0 || len(data) > 10<<20:
		return c.refuse(http.StatusBadRequest, "an image has 1 byte to 10 MB")
	case !slices.Contains([]string{"image/jpeg", "image/jpg", "image/png", "application/pdf"}, c.r.Header.Get("Content-Type")):
		return c.refuse(http.StatusBadRequest, "the type of the image is not supported")
	case exists && kind != "report":
		return c.refuse(http.StatusBadRequest, "there is an image already")
	}
	return imageXML(http.StatusCreated, c.company.addImage(kind, id, c.r.Header.Get("Content-Type"), data), "")
}

// serveImageBytes takes no token; one that is sent is refused, since it should
// never have been.
func (s *Server) serveImageBytes(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	t, found := s.tickets[r.PathValue("image")]
	now := s.now()
	s.mu.Unlock()
	switch {
	case r.Header.Get("Authorization") != "":
		w.WriteHeader(http.StatusBadRequest)
	case !found || !now.Before(t.expires):
		w.WriteHeader(http.StatusForbidden)
	default:
		w.Header().Set("Content-Type", t.image.ContentType)
		_, _ = w.Write(t.image.Data)
	}
}

func (c *call) document(i Image) reply {
	id := dashed(strings.ToLower(i.ID))
	href := c.base() + "/spend-documents/v4/receipts/" + id + "/representations?type="
	document := func(as string) map[string]any {
		return map[string]any{"representation": as, "type": i.ContentType, "name": id, "renderable": true, "href": href + as}
	}
	return ok(map[string]any{
		"metadata": map[string]any{
			"userId": nil, "imageId": i.ID, "id": id, "companyId": c.company.ID, "dateTimeReceived": instant(i.received), "origin": "mobile",
			"captureMethod": "cameraCapture", "provider": "user", "status": "processed", "compliance": map[string]any{"status": "processed"},
		},
		"receiptData": map[string]any{}, "documents": []any{document("display"), document("compliance")},
	})
}

func serveDocument(c *call) reply {
	i, found := c.company.images["receipt/"+undashed(c.r.PathValue("id"))]
	if !found {
		return c.refuse(http.StatusNotFound, "Receipt not found")
	}
	return c.document(i)
}

func serveDocumentByImage(c *call) reply {
	q := c.r.URL.Query()
	i, found := c.company.images["receipt/"+q.Get("imageId")]
	if !found || q.Get("companyId") != c.company.ID {
		return c.refuse(http.StatusNotFound, "Receipt not found")
	}
	return c.document(i)
}

func serveRepresentation(c *call) reply {
	i, found := c.company.images["receipt/"+undashed(c.r.PathValue("id"))]
	switch {
	case !found:
		return c.refuse(http.StatusNotFound, "Receipt not found")
	case !slices.Contains([]string{"display", "compliance"}, c.r.URL.Query().Get("type")):
		return c.refuse(http.StatusBadRequest, "type is display or compliance")
	}
	return reply{status: http.StatusOK, body: markup{i.ContentType, i.Data}}
}
