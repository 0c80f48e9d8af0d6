module github.com/glycerine/go-sliding-window
