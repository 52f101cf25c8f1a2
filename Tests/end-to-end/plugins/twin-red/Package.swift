// swift-tools-version: 6.0
import PackageDescription

let package = Package(
  name: "twin-red",
  products: [.library(name: "twin-red", type: .dynamic, targets: ["Twin"])],
  dependencies: [.package(name: "volley-sdk", path: "../../../../sdk")],
  targets: [
    // The module has the other twin's name, and its types have the names of the other's.
    .target(
      name: "Twin",
      dependencies: [.product(name: "Volley", package: "volley-sdk")],
      linkerSettings: [.unsafeFlags(["-Xlinker", "--version-script=\(Context.packageDirectory)/exports.map"])])
  ]
)
