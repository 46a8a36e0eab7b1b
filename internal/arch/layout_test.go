package arch_test

import (
	"go/build"
	"go/parser"
	"go/token"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// sync is a shelf: a package of that name would shadow the standard library's at every import.
func TestNoGoFileStandsDirectlyInSync(t *testing.T) {
	for folder, goFiles := range packages(t) {
		assert.NotEqual(t, "sync", folder, "sync is a shelf, not a package: move %v into a package below it", goFiles)
	}
}

func TestEveryPackageOpensWithASentenceAboutItself(t *testing.T) {
	for folder := range packages(t) {
		pkg, err := build.ImportDir(filepath.Join(root, filepath.FromSlash(folder)), build.ImportComment)
		if len(pkg.GoFiles) == 0 && err != nil {
			continue // only tests, or nothing for this build
		}
		// Go's own short form: a command's starts with a capital letter, a package's with "Package name".
		opening := "Package " + pkg.Name + " "
		if pkg.Name == "main" {
			opening = strings.ToUpper(path.Base(folder)[:1])
		}
		assert.True(t, strings.HasPrefix(pkg.Doc, opening), "%s: the package comment starts %q; it shall start %q", folder, pkg.Doc, opening)
		assert.True(t, strings.HasSuffix(pkg.Doc, "."), "%s: the package comment's first sentence %q has no end", folder, pkg.Doc)
	}
}

func TestAPackageBearsTheNameOfItsFolder(t *testing.T) {
	for folder, goFiles := range packages(t) {
		for _, file := range goFiles {
			parsed, err := parser.ParseFile(token.NewFileSet(), file, read(t, file), parser.PackageClauseOnly)
			require.NoError(t, err)
			name := strings.TrimSuffix(parsed.Name.Name, "_test")
			if name == "main" {
				assert.Regexp(t, `^(examples|internal/bench)(/|$)`, folder, "%s: a program stands below examples", file)
				continue
			}
			assert.Equal(t, path.Base(folder), name, "%s", file)
		}
	}
}

// X is a client, Xtest its fake, Xsync its ends; Y is a contract, Ytest its suite.
func TestNamesTellWhatAPackageIs(t *testing.T) {
	for folder := range packages(t) {
		name, parent := path.Base(folder), path.Base(path.Dir(folder))
		for _, ending := range []string{"test", "sync"} {
			if of, found := strings.CutSuffix(name, ending); found && of != "" {
				assert.Equal(t, parent, of, "%s: a package of that ending stands in the package it belongs to", folder)
			}
		}
		if strings.HasSuffix(name, "store") && !strings.HasPrefix(folder, "examples/") {
			assert.Equal(t, "sync/storage", path.Dir(folder), "%s: a store stands beside the others", folder)
		}
		if strings.HasSuffix(name, "log") && !strings.HasPrefix(folder, "examples/") {
			assert.Equal(t, "audit", path.Dir(folder), "%s: an audit log stands beside the others", folder)
		}
	}
}

func TestWhatUsersMayReplaceHasASuiteAndEachClientAFake(t *testing.T) {
	found := packages(t)
	for of, beside := range map[string][]string{
		"concur":         {"concurtest", "concursync"},
		"epicor":         {"epicortest", "epicorsync"},
		"sync/connector": {"connectortest"},
		"sync/storage":   {"storagetest"},
		"audit":          {"audittest"},
	} {
		for _, name := range beside {
			assert.NotEmpty(t, found[of+"/"+name], "%s has no %s", of, name)
		}
	}
}

// A name that fits everything says nothing.
func TestAFileIsANounOfItsPackage(t *testing.T) {
	empty := regexp.MustCompile(`(?i)^(utils?|common|types|helpers?|managers?|misc|shared|base|consts?|constants)(_test)?(\.go)?$`)
	for folder, goFiles := range packages(t) {
		assert.NotRegexp(t, empty, path.Base(folder), "folder %s", folder)
		for _, file := range goFiles {
			assert.NotRegexp(t, empty, path.Base(file), "file %s", file)
		}
	}
}

// What is begun is finished, or it stands in the list of issues and not in the code.
func TestNoCodeAnnouncesThatItIsUnfinished(t *testing.T) {
	unfinished := regexp.MustCompile(`(?i)//.*\b(` + strings.Join([]string{"TO" + "DO", "FIX" + "ME", "HA" + "CK"}, "|") + `)\b`)
	for _, file := range files(t, ".go") {
		for number, line := range strings.Split(read(t, file), "\n") {
			assert.False(t, unfinished.MatchString(line), "%s:%d: %s", file, number+1, strings.TrimSpace(line))
		}
	}
}

// Where packages come from and where a checkout lies is the machine's business; a tree that names either works on one machine only.
func TestNoFileNamesARegistryOrAMachinesFolder(t *testing.T) {
	forbidden := []string{
		host("proxy", "golang", "org"), host("sum", "golang", "org"), host("index", "golang", "org"), host("goproxy", "io"),
		host("registry", "npmjs", "org"), host("registry", "yarnpkg", "com"), host("pypi", "org"), host("pythonhosted", "org"),
		host("crates", "io"), host("rubygems", "org"), host("repo", "maven", "apache", "org"), host("repo1", "maven", "org"),
		host("api", "nuget", "org"), host("ghcr", "io"), host("quay", "io"), host("registry-1", "docker", "io"),
		folder("work"), folder("root"), folder("home"),
	}
	for _, file := range files(t) {
		text := read(t, file)
		if strings.ContainsRune(text, 0) {
			continue // an image or an archive
		}
		for _, word := range forbidden {
			if at := strings.Index(text, word); at >= 0 {
				assert.Fail(t, "forbidden name", "%s:%d names %s", file, 1+strings.Count(text[:at], "\n"), word)
			}
		}
	}
}

// host and folder put the names together, so that this file does not hold them.
func host(labels ...string) string { return strings.Join(labels, ".") }

func folder(name string) string { return "/" + name + "/" }

func TestTheShelfsReadmeNamesEveryPackageOnIt(t *testing.T) {
	text := read(t, "sync/README.md")
	var onShelf []string
	for folder := range packages(t) {
		if parts := strings.Split(folder, "/"); len(parts) >= 2 && parts[0] == "sync" && !slices.Contains(onShelf, parts[1]) {
			onShelf = append(onShelf, parts[1])
		}
	}
	for _, name := range onShelf {
		assert.Contains(t, text, "]("+name+"/)", "sync/README.md does not say what sync/%s is for", name)
	}
}
