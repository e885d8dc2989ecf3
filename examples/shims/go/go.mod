module example.com/windtunnel-shim

go 1.19
