// Reads texts as the programs do that they are written for: Dockerfiles with BuildKit, Compose files with compose-go,
// kustomizations with Kustomize. Takes a JSON list of requests, gives a JSON list of answers in the same order.
package main

import (
	"encoding/json"
	"fmt"
	"log"
	"os"
	"slices"
)

type request struct {
	Kind      string
	Text      string
	Variables map[string]string
	Escape    string
	Manifests string
}

// answer has the images that a text names, sorted; for the kind "word" the word it becomes instead.
type answer struct {
	Error     string   `json:"error"`
	Images    []string `json:"images"`
	Word      string   `json:"word"`
	Unmatched []string `json:"unmatched"`
}

var readers = map[string]func(request, *answer) error{
	"word":       readWord,
	"dockerfile": readDockerfile,
	"compose":    readCompose,
	"dotenv":     readDotenv,
	"kustomize":  readKustomization,
}

func main() {
	var requests []request
	if err := json.NewDecoder(os.Stdin).Decode(&requests); err != nil {
		log.Fatal(err)
	}
	answers := make([]answer, len(requests))
	for i, one := range requests {
		if err := read(one, &answers[i]); err != nil {
			answers[i].Error = err.Error()
		}
		slices.Sort(answers[i].Images)
		answers[i].Images = slices.Compact(answers[i].Images)
	}
	if err := json.NewEncoder(os.Stdout).Encode(answers); err != nil {
		log.Fatal(err)
	}
}

// A reader that panics at a text has refused it.
func read(one request, given *answer) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("panic: %v", cause)
		}
	}()
	return readers[one.Kind](one, given)
}
