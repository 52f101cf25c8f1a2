// swift-tools-version: 6.0
import PackageDescription

let package = Package(
  name: "bench",
  // The plugin: libbench.so.
  products: [.library(name: "bench", type: .dynamic, targets: ["Bench"])],
  dependencies: [.package(name: "volley-sdk", path: "../../sdk")],
  targets: [
    .target(
      name: "Bench",
      dependencies: [.product(name: "Volley", package: "volley-sdk")],
      // Of all that is linked in, the plugin shows one symbol: see exports.map.
      linkerSettings: [.unsafeFlags(["-Xlinker", "--version-script=\(Context.packageDirectory)/exports.map"])])
  ]
)
