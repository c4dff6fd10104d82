package handlers

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"rollcall/handlers/openapi"
)

// describe serves the OpenAPI document. It's the same for everyone, so it needs no token.
func (s *Server) describe(kind string, document []byte) echo.HandlerFunc {
	etag := etagOf(document)
	return func(c echo.Context) error {
		h := c.Response().Header()
		h.Set("ETag", etag)
		h.Set("Cache-Control", "no-cache")
		if known := c.Request().Header.Get("If-None-Match"); known != "" && matches(known, etag) {
			return c.NoContent(http.StatusNotModified)
		}
		return c.Blob(http.StatusOK, kind, document)
	}
}

// documentRoutes lists the URLs of what describes the API. It returns an error if the document is damaged.
func (s *Server) documentRoutes() error {
	at := s.site.path
	shown, err := readAPIReference()
	if err != nil {
		return err
	}
	s.group(policy{callers: visitors, compress: true}).get(at("/api"), s.apiPage(shown))
	documents := s.group(policy{
		callers: anybody, anySite: true, errors: asProblem, compress: true, headers: apiHeaders(s.rules.headers),
	})
	documents.get(at(apiPath+"/openapi.json"), s.describe("application/json", openapi.JSON))
	documents.get(at(apiPath+"/openapi.yaml"), s.describe("application/yaml", openapi.YAML))
	return nil
}
