// swift-tools-version: 6.0
import PackageDescription

let package = Package(
  name: "nexmark",
  // The plugin: libnexmark.so.
  products: [.library(name: "nexmark", type: .dynamic, targets: ["Nexmark"])],
  dependencies: [.package(name: "volley-sdk", path: "../../sdk")],
  targets: [
    .target(
      name: "Nexmark",
      dependencies: [.product(name: "Volley", package: "volley-sdk")],
      // Of all that is linked in, the plugin shows one symbol: see exports.map.
      linkerSettings: [.unsafeFlags(["-Xlinker", "--version-script=\(Context.packageDirectory)/exports.map"])]),
    // The tests load the plugin as a host does, so they do not depend on its target.
    .testTarget(name: "NexmarkTests", dependencies: [.product(name: "VolleyTesting", package: "volley-sdk")]),
  ]
)
