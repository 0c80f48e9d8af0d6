module mconn/interop/peer

go 1.22
