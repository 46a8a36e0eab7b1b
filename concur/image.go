package concur

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// ImageKind says what an image belongs to.
type ImageKind string

// What an image belongs to. The id of ImageOfEntry is neither that of version 4
// nor that of financial documents, but the RpeKey of the deprecated report
// details. An entry's receipt in a financial document (DocumentEntry.ReceiptID)
// is fetched as ImageByID; the vendor's guide uses ImageOfReport for it, to be
// tried where the former finds nothing.
const (
	ImageByID      ImageKind = "receipt"
	ImageOfEntry   ImageKind = "expenseentry"
	ImageOfInvoice ImageKind = "invoice"
	ImageOfReport  ImageKind = "report" // all receipts of a report in one PDF
)

// Image says where an image can be fetched for 15 minutes.
type Image struct {
	ID  string `xml:"Id"`
	URL string `xml:"Url"` // "" after an upload. A secret: who knows it sees the image
}

// MaxImage is how large an image may be that is attached, in bytes.
const MaxImage = 10 << 20

// ImagesService fetches and attaches receipts and invoice images. Follows the
// Image v1 page. Scope: IMAGE.
type ImagesService struct{ service }

func (s *ImagesService) call(ctx context.Context, r request) (*Image, error) {
	r.accept = "application/xml" // all that the service speaks
	var body []byte
	if err := s.client.do(ctx, r, &body); err != nil {
		return nil, err
	}
	var image Image
	if err := xml.Unmarshal(body, &image); err != nil {
		return nil, &Error{Operation: r.operation, Err: errors.New("the answer is not the XML that was expected")}
	}
	return &image, nil
}

// Locate says where an image can be fetched; see Fetch. Nothing there:
// ErrNotFound.
func (s *ImagesService) Locate(ctx context.Context, kind ImageKind, id string) (*Image, error) {
	const operation = "Images.Locate"
	p, err := path(operation, "/api/image/v1.0", string(kind), id)
	if err != nil {
		return nil, err
	}
	image, err := s.call(ctx, request{operation: operation, path: p, safe: true})
	if err == nil && image.URL == "" {
		return nil, &Error{Operation: operation, Err: errors.New("the answer has no URL")}
	}
	return image, err
}

// Fetch locates an image and opens it. The URL comes from an answer, so only
// SAP Concur's hosts, TokenOptions.AllowHosts and Options.ImageHosts are dialled,
// only over https unless such a host says otherwise, and without the token:
// another host is ErrHost. Close the document after reading; ctx bounds it.
func (s *ImagesService) Fetch(ctx context.Context, kind ImageKind, id string) (*Document, error) {
	const operation = "Images.Fetch"
	image, err := s.Locate(ctx, kind, id)
	if err != nil {
		return nil, err
	}
	u, err := s.client.imageURL(image.URL)
	if err != nil {
		return nil, &Error{Operation: operation, Err: err}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u, nil)
	if err != nil {
		return nil, &Error{Operation: operation, Err: errors.New("the image's URL is not usable")}
	}
	req.Header.Set("User-Agent", s.client.userAgent)
	res, err := s.client.stream.Do(req) //nolint:bodyclose // document hands it over or closes it
	return document(operation, res, err)
}

// imageURL returns the address of an image where it may be dialled.
func (c *Client) imageURL(link string) (string, error) {
	base, err := c.images.base(link)
	if err != nil {
		if errors.Is(err, ErrHost) && strings.Contains(err.Error(), "none of SAP Concur's") {
			return "", fmt.Errorf("%w: the image stands elsewhere; add its host to ImageHosts if it is the vendor's", err)
		}
		return "", err
	}
	u, err := url.Parse(strings.TrimSpace(link))
	if err != nil {
		return "", errors.New("the image's URL is not usable")
	}
	return base + u.EscapedPath() + queryOf(u), nil
}

func queryOf(u *url.URL) string {
	if u.RawQuery == "" {
		return ""
	}
	return "?" + u.RawQuery
}

// Attach gives an entry, an invoice or a report an image of type image/jpeg,
// image/jpg, image/png or application/pdf and returns its id. With ImageByID and
// an empty id it goes to the user's receipts. An entry or invoice that has an
// image cannot be given another. It is sent once.
func (s *ImagesService) Attach(ctx context.Context, kind ImageKind, id, contentType string, data []byte) (imageID string, err error) {
	const operation = "Images.Attach"
	if len(data) == 0 || len(data) > MaxImage {
		return "", &Error{Operation: operation, Status: http.StatusBadRequest, Message: fmt.Sprintf("an image has 1 to %d bytes; nothing was sent", MaxImage)}
	}
	switch contentType {
	case "image/jpeg", "image/jpg", "image/png", "application/pdf":
	default:
		return "", &Error{Operation: operation, Status: http.StatusBadRequest, Message: "an image is image/jpeg, image/jpg, image/png or application/pdf; nothing was sent"}
	}
	elements := []string{string(kind), id}
	if kind == ImageByID && id == "" {
		elements = elements[:1]
	}
	p, err := path(operation, "/api/image/v1.0", elements...)
	if err != nil {
		return "", err
	}
	image, err := s.call(ctx, request{operation: operation, method: http.MethodPost, path: p, body: payload{contentType, data}})
	if err != nil {
		return "", err
	}
	return image.ID, nil
}
