// Package main tells what the matcher of osv-scanner, which is that of osv-scalibr, finds for an SBOM with archives of
// advisories and without a network: `matcher DATABASE BOM.cdx.json`, where DATABASE/osv-scalibr/<ecosystem>/all.zip are
// the archives. A line for each finding: `["ID of the advisory","package URL"]`.
//
//	GOFLAGS=-mod=mod go build -o matcher .
package main

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	cpb "github.com/google/osv-scalibr/binary/proto/config_go_proto"
	"github.com/google/osv-scalibr/enricher/vulnmatch/osvlocal"
	"github.com/google/osv-scalibr/extractor"
	"github.com/google/osv-scalibr/extractor/filesystem"
	dpkg "github.com/google/osv-scalibr/extractor/filesystem/os/dpkg/metadata"
	rpm "github.com/google/osv-scalibr/extractor/filesystem/os/rpm/metadata"
	"github.com/google/osv-scalibr/extractor/filesystem/sbom/cdx"
	"github.com/google/osv-scalibr/plugin/config"
)

func main() {
	ctx := context.Background()
	check(os.Setenv("OSV_SCALIBR_LOCAL_DB_CACHE_DIRECTORY", os.Args[1]))
	ex, err := cdx.New(nil)
	check(err)
	f, err := os.Open(os.Args[2])
	check(err)
	inv, err := ex.Extract(ctx, &filesystem.ScanInput{Path: filepath.Base(os.Args[2]), Reader: f})
	check(err)
	named := map[*extractor.Package]string{}
	for _, p := range inv.Packages {
		named[p] = p.PURL().String()
		located(p)
	}
	pc := &cpb.PluginConfig{PluginSpecific: []*cpb.PluginSpecificConfig{{Config: &cpb.PluginSpecificConfig_Osvlocal{Osvlocal: &cpb.OSVLocalConfig{Download: false}}}}}
	e, err := osvlocal.New(&config.PluginConfig{ProtoConfig: pc, ClientFactories: config.NewDefaultClientFactories("")})
	check(err)
	check(e.Enrich(ctx, nil, &inv))
	out := json.NewEncoder(os.Stdout)
	for _, v := range inv.PackageVulns {
		out.Encode([]string{v.Vulnerability.GetId(), named[v.Package]})
	}
}

// located gives a package of a distribution what the scanner knows of it when it reads an image itself: the release and
// the source package, which it does not take from the qualifiers of a package URL.
func located(p *extractor.Package) {
	u := p.PURL()
	if u == nil {
		return
	}
	said := map[string]string{}
	for _, each := range u.Qualifiers {
		said[each.Key] = each.Value
	}
	id, release, _ := strings.Cut(said["distro"], "-")
	switch u.Type {
	case "rpm":
		epoch, _ := strconv.Atoi(said["epoch"])
		p.Metadata = &rpm.Metadata{PackageName: p.Name, Epoch: epoch, OSID: id, OSVersionID: release}
	case "deb":
		source, _, _ := strings.Cut(said["upstream"], "@")
		p.Metadata = &dpkg.Metadata{PackageName: p.Name, SourceName: source, OSID: id, OSVersionID: release}
	}
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}
