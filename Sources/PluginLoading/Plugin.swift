public final class Plugin { static let rootSymbol = "volley_plugin_root" }
