module mconn/vectors/amino

go 1.20

require github.com/tendermint/go-amino v0.14.1

require github.com/davecgh/go-spew v1.1.1 // indirect
