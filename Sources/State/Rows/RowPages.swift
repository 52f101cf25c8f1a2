import Base
import CPlatform

/// The memory of rows: pages that rows are written into one after the other.
///
/// The space of a removed row is not used again within its page. A page whose rows are all removed is used again whole;
/// when removed rows take more than the others, those of pages that are half empty move to the end, which the removed
/// ones have paid for. So rows that are removed about in the order in which they came, as expiring ones are, hardly
/// ever move. Pages are cut from slabs, of two mebibytes once there are that many; a row that is larger than a page has
/// one of its own.
final class RowPages {
  /// At the start of each row.
  struct RowHeader {
    /// `removed` when it is.
    var number: UInt32
    /// Bytes, with the header, a multiple of eight.
    var size: UInt32

    static let removed = UInt32.max
    static let byteCount = MemoryLayout<RowHeader>.size
  }

  /// At the start of each page.
  private struct Page {
    /// Bytes from the page's start up to where the next row goes.
    var used = Page.byteCount
    /// Bytes of rows that are not removed.
    var live = 0
    /// Index of the slab; -1 for a page of one large row.
    var slab: Int
    /// Bytes of the page.
    var capacity: Int
    /// Index among the pages that are half empty; -1 when it is not one.
    var sparse = -1

    static let byteCount = 64
    var dead: Int { used - Page.byteCount - live }
    var isSparse: Bool { live * 2 <= used - Page.byteCount }
  }

  private struct Slab {
    /// Nil when it was freed.
    var memory: UnsafeMutableRawPointer?
    var pageCount: Int
    var freeCount: Int
  }

  /// Also their alignment, by which a row's page is found.
  private static let pageBytes = 64 << 10
  /// Bytes behind each row that may be read.
  static let slack = 16
  private static let largestSlab = 32

  private(set) var byteCount = 0
  private var liveBytes = 0
  private var deadBytes = 0
  private var current: UnsafeMutableRawPointer?
  private var free: [UnsafeMutableRawPointer] = []
  private var slabs: [Slab] = []
  private var sparse: [UnsafeMutableRawPointer] = []
  private var large: Set<UnsafeMutableRawPointer> = []

  deinit { freeAll() }

  private func freeAll() {
    for slab in slabs { slab.memory?.deallocate() }
    for page in large { page.deallocate() }
  }

  /// Bytes beyond those of now that rows of so many bytes take at worst.
  func growth(appending bytes: Int) -> Int {
    // A row that does not fit leaves the rest of a page empty, which is less than what the row takes.
    let pages = 2 * bytes / Self.pageBytes + 2
    return (pages + min(Self.largestSlab, byteCount / Self.pageBytes + pages)) * Self.pageBytes
  }

  private static func page(_ address: UnsafeMutableRawPointer) -> UnsafeMutablePointer<Page> {
    address.assumingMemoryBound(to: Page.self)
  }

  private static func pageAddress(_ row: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer {
    let address = UInt(bitPattern: row) & (UInt(pageBytes) - 1)
    return row - Int(address)
  }

  /// Room for a row of `size` bytes, a multiple of eight, with its header written and nothing else.
  func append(number: UInt32, size: Int) -> UnsafeMutableRawPointer {
    var address = current
    if let page = address, Self.page(page).pointee.used + size > Self.pageBytes - Self.slack { address = nil }
    let found = address ?? nextPage(size)
    let page = Self.page(found)
    let row = found + page.pointee.used
    page.pointee.used += size
    page.pointee.live += size
    liveBytes += size
    row.storeBytes(of: RowHeader(number: number, size: UInt32(truncatingIfNeeded: size)), as: RowHeader.self)
    return row
  }

  static func header(of row: UnsafeMutableRawPointer) -> RowHeader { row.load(as: RowHeader.self) }

  /// Bytes of a row in the middle, when there are so many.
  func usualRowBytes(_ rowCount: Int) -> Int { rowCount == 0 ? 0 : liveBytes / rowCount }

  /// Asks for the memory that removing a row touches.
  @inline(__always)  // A part of a loop over rows.
  func prefetch(_ row: UnsafeMutableRawPointer) {
    platform_prefetch(row)
    platform_prefetch(Self.pageAddress(row))
  }

  /// Removes a row. `compact` gives memory back that many removals leave.
  func remove(_ row: UnsafeMutableRawPointer) {
    let size = Int(Self.header(of: row).size)
    row.storeBytes(of: RowHeader.removed, as: UInt32.self)
    let address = Self.pageAddress(row)
    let page = Self.page(address)
    page.pointee.live -= size
    liveBytes -= size
    deadBytes += size
    if page.pointee.live == 0 {
      empty(address)
    } else if page.pointee.sparse < 0, page.pointee.isSparse, address != current {
      page.pointee.sparse = sparse.count
      sparse.append(address)
    }
  }

  /// Moves rows together when removed ones take more than the others.
  ///
  /// - Parameter moved: gets the number of each row that moves, and where it is now.
  func compact(_ moved: (UInt32, UnsafeMutableRawPointer) -> Void) {
    while deadBytes > liveBytes + 2 * Self.pageBytes, let address = sparse.last {
      let page = Self.page(address)
      var row = address + Page.byteCount
      let end = address + page.pointee.used
      while row < end {
        let header = Self.header(of: row)
        let size = Int(header.size)
        if header.number != RowHeader.removed {
          let place = append(number: header.number, size: size)
          (place + RowHeader.byteCount).copyMemory(
            from: row + RowHeader.byteCount, byteCount: size - RowHeader.byteCount)
          moved(header.number, place)
          page.pointee.live -= size
          liveBytes -= size
          deadBytes += size
        }
        row += size
      }
      empty(address)
    }
    if liveBytes == 0, byteCount > 1 << 20 { removeAll() }
  }

  /// Forgets all rows, and frees their memory.
  func removeAll() {
    freeAll()
    byteCount = 0
    liveBytes = 0
    deadBytes = 0
    current = nil
    free = []
    slabs = []
    sparse = []
    large = []
  }

  /// A page has no row any more.
  private func empty(_ address: UnsafeMutableRawPointer) {
    let page = Self.page(address)
    deadBytes -= page.pointee.dead
    page.pointee.used = Page.byteCount
    if page.pointee.sparse >= 0 {
      let index = page.pointee.sparse
      page.pointee.sparse = -1
      let last = sparse.removeLast()
      if last != address {
        sparse[index] = last
        Self.page(last).pointee.sparse = index
      }
    }
    if address == current { return }
    if page.pointee.slab < 0 {
      large.remove(address)
      byteCount -= page.pointee.capacity
      address.deallocate()
      return
    }
    release(address, slab: page.pointee.slab)
  }

  /// A page with room for a row of `size` bytes, which becomes the current one unless the row has it for itself.
  private func nextPage(_ size: Int) -> UnsafeMutableRawPointer {
    let needed = Page.byteCount + size + Self.slack
    if needed > Self.pageBytes {
      let address = HugeMemory.allocate(byteCount: needed, alignment: Self.pageBytes)
      Self.page(address).initialize(to: Page(slab: -1, capacity: needed))
      large.insert(address)
      byteCount += needed
      return address
    }
    if free.isEmpty { addSlab() }
    let address = free.removeLast()
    slabs[Self.page(address).pointee.slab].freeCount -= 1
    if let former = current {
      let page = Self.page(former)
      if page.pointee.live == 0 {
        current = nil
        empty(former)
      } else if page.pointee.isSparse {
        page.pointee.sparse = sparse.count
        sparse.append(former)
      }
    }
    current = address
    return address
  }

  private func addSlab() {
    let pageCount = min(Self.largestSlab, max(1, byteCount / Self.pageBytes))
    let memory = HugeMemory.allocate(byteCount: pageCount * Self.pageBytes, alignment: Self.pageBytes)
    let slab = Slab(memory: memory, pageCount: pageCount, freeCount: pageCount)
    let index = slabs.firstIndex { $0.memory == nil } ?? slabs.count
    if index == slabs.count { slabs.append(slab) } else { slabs[index] = slab }
    byteCount += pageCount * Self.pageBytes
    for number in (0..<pageCount).reversed() {
      let address = memory + number * Self.pageBytes
      Self.page(address).initialize(to: Page(slab: index, capacity: Self.pageBytes))
      free.append(address)
    }
  }

  /// Keeps an empty page for later, or frees its slab when that is all empty and there are as many pages besides.
  private func release(_ address: UnsafeMutableRawPointer, slab index: Int) {
    free.append(address)
    slabs[index].freeCount += 1
    let slab = slabs[index]
    guard let memory = slab.memory, slab.freeCount == slab.pageCount, free.count >= 2 * slab.pageCount else { return }
    let end = memory + slab.pageCount * Self.pageBytes
    free.removeAll { $0 >= memory && $0 < end }
    memory.deallocate()
    byteCount -= slab.pageCount * Self.pageBytes
    slabs[index].memory = nil
  }
}
