import Volley

@c(volley_plugin_root)
public func root() -> UnsafePointer<volley_plugin> {
  export(Mixed.self, Alone.self, connectors: [Items.self, Totals.self], name: "twin-red")
}
