import Arrow

/// One side of a kernel: a column's values or one value for every row. A loop over two of these is specialised for the
/// shapes column-column, column-constant and constant-column.
protocol KernelInput<Element> {
  associatedtype Element
  subscript(row: Int) -> Element { get }
}

struct ColumnInput<Element: BitwiseCopyable>: KernelInput {
  let values: UnsafePointer<Element>

  init(_ column: Column) { values = column.values(Element.self) }

  @inline(__always)  // The loops over it are vectorised only when this is gone.
  subscript(row: Int) -> Element { values[row] }
}

struct ConstantInput<Element>: KernelInput {
  let value: Element

  init(_ value: Element) { self.value = value }

  @inline(__always)  // As above.
  subscript(row: Int) -> Element { value }
}
