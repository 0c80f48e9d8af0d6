module mconn/benches/window

go 1.23.0

require github.com/glycerine/go-sliding-window v0.0.0-20170324222848-7d8aad3e2338

require (
	github.com/glycerine/bchan v0.0.0-20170210221909-ad30cd867e1c // indirect
	github.com/glycerine/blake2b v0.0.0-20151022103502-3c8c640cd7be // indirect
	github.com/glycerine/cryrand v0.9.0 // indirect
	github.com/glycerine/goconvey v0.0.0-20190410193231-58a59202ab31 // indirect
	github.com/glycerine/hnatsd v1.0.1 // indirect
	github.com/glycerine/idem v0.0.0-20190127113923-7a8083893311 // indirect
	github.com/glycerine/nats v0.0.0-20170328054503-30bf90081866 // indirect
	github.com/glycerine/rbtree v0.0.0-20190406191118-ceb71889d809 // indirect
	github.com/gopherjs/gopherjs v1.21.0 // indirect
	github.com/jtolds/gls v4.20.0+incompatible // indirect
	github.com/klauspost/compress v1.17.11 // indirect
	github.com/minio/highwayhash v1.0.3 // indirect
	github.com/nats-io/jwt/v2 v2.5.8 // indirect
	github.com/nats-io/nats-server/v2 v2.10.22 // indirect
	github.com/nats-io/nats.go v1.37.0 // indirect
	github.com/nats-io/nkeys v0.4.7 // indirect
	github.com/nats-io/nuid v1.0.1 // indirect
	github.com/philhofer/fwd v1.1.2 // indirect
	github.com/tinylib/msgp v1.1.9 // indirect
	golang.org/x/crypto v0.28.0 // indirect
	golang.org/x/sys v0.26.0 // indirect
	golang.org/x/time v0.7.0 // indirect
)

// Neither of these three can be had from the module proxy, see ../README.md.
replace (
	github.com/glycerine/go-sliding-window => ../../../tests/interop/go-sliding-window/upstream
	github.com/glycerine/hnatsd => ../../../tests/interop/go-sliding-window/stub/hnatsd
	github.com/glycerine/nats => ../../../tests/interop/go-sliding-window/stub/nats
)
