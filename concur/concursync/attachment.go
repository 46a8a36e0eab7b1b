package concursync

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/ml-connector/ml-connector/concur"
	"github.com/ml-connector/ml-connector/sync/document"
)

// Attachments returns the function that reads the files which documents of this
// package name: images of receipts and of invoices. One that is not there is nil
// without an error, since an invoice need not have an image. Follows the Image v1
// page. Scope: IMAGE.
func Attachments(client *concur.Client) func(ctx context.Context, a document.Attachment) ([]byte, error) {
	return func(ctx context.Context, a document.Attachment) ([]byte, error) {
		image, err := client.Images.Fetch(ctx, concur.ImageKind(a.Kind), a.ID)
		if errors.Is(err, concur.ErrNotFound) {
			return nil, nil
		}
		if err != nil {
			return nil, translate(err)
		}
		defer func() { _ = image.Close() }()
		data, err := io.ReadAll(io.LimitReader(image, concur.MaxImage+1))
		if err != nil {
			return nil, fmt.Errorf("concursync: reading the image %s: %w", a.ID, err)
		}
		if len(data) > concur.MaxImage {
			return nil, fmt.Errorf("concursync: the image %s has more than %d bytes", a.ID, concur.MaxImage)
		}
		return data, nil
	}
}
