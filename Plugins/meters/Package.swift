// swift-tools-version: 6.0
import PackageDescription

let package = Package(
  name: "meters",
  // The plugin: libmeters.so.
  products: [.library(name: "meters", type: .dynamic, targets: ["Meters"])],
  dependencies: [.package(name: "volley-sdk", path: "../../sdk")],
  targets: [
    .target(
      name: "Meters",
      dependencies: [.product(name: "Volley", package: "volley-sdk")],
      // Of all that is linked in, the plugin shows one symbol: see exports.map.
      linkerSettings: [.unsafeFlags(["-Xlinker", "--version-script=\(Context.packageDirectory)/exports.map"])])
  ]
)
