// swift-tools-version: 6.0
import PackageDescription

let package = Package(
  name: "__NAME__",
  // The plugin: lib__NAME__.so.
  products: [.library(name: "__NAME__", type: .dynamic, targets: ["__LIBRARY__"])],
  dependencies: [.package(name: "volley-sdk", path: "__SDK__")],
  targets: [
    .target(
      name: "__LIBRARY__",
      dependencies: [.product(name: "Volley", package: "volley-sdk")],
      // Of all that is linked in, the plugin shows one symbol: see exports.map.
      linkerSettings: [.unsafeFlags(["-Xlinker", "--version-script=\(Context.packageDirectory)/exports.map"])]),
    // The tests load the plugin as a host does, so they do not depend on its target.
    .testTarget(name: "__LIBRARY__Tests", dependencies: [.product(name: "VolleyTesting", package: "volley-sdk")]),
  ]
)
