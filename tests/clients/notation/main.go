// Signs an image with Notation's library.
package main

import (
	"context"
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"

	"github.com/notaryproject/notation-core-go/signature/cose"
	"github.com/notaryproject/notation-core-go/signature/jws"
	"github.com/notaryproject/notation-go"
	"github.com/notaryproject/notation-go/registry"
	"github.com/notaryproject/notation-go/signer"
	"oras.land/oras-go/v2/registry/remote"
	"oras.land/oras-go/v2/registry/remote/auth"
)

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func main() {
	form, reference, keyFile, chainFile := os.Args[1], os.Args[2], os.Args[3], os.Args[4]
	mediaType := jws.MediaTypeEnvelope
	if form == "cose" {
		mediaType = cose.MediaTypeEnvelope
	}
	text, err := os.ReadFile(keyFile)
	must(err)
	block, _ := pem.Decode(text)
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	must(err)
	text, err = os.ReadFile(chainFile)
	must(err)
	var chain []*x509.Certificate
	for block, text = pem.Decode(text); block != nil; block, text = pem.Decode(text) {
		certificate, err := x509.ParseCertificate(block.Bytes)
		must(err)
		chain = append(chain, certificate)
	}
	made, err := signer.NewGenericSigner(key.(crypto.PrivateKey), chain)
	must(err)
	repository, err := remote.NewRepository(reference)
	must(err)
	repository.PlainHTTP = true
	repository.Client = &auth.Client{Credential: auth.StaticCredential(repository.Reference.Registry, auth.Credential{
		Username: os.Getenv("REGISTRY_USER"), Password: os.Getenv("REGISTRY_PASSWORD"),
	})}
	options := notation.SignOptions{ArtifactReference: reference}
	options.SignatureMediaType = mediaType
	_, err = notation.Sign(context.Background(), made, registry.NewRepository(repository), options)
	must(err)
}
