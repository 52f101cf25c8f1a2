public func hostMain() -> Int32 { 0 }
