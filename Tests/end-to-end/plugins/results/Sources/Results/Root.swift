import Volley

@c(volley_plugin_root)
public func root() -> UnsafePointer<volley_plugin> {
  export(
    Expressions.self, Copies.self, UserCode.self, Aggregates.self, PerRecord.self, Branches.self, Endless.self,
    Typed.self, TypedTotals.self, Processes.self, Refusing.self, Trapping.self, name: "results")
}
