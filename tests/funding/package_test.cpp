#include "funding/package.hpp"

#include <doctest/doctest.h>

#include "bitcoin/fees.hpp"

using bitcoin::Perkw;
using bitcoin::Sat;
using funding::Package;

TEST_CASE("a package counts each of its transactions in whole vbytes") {
  Package package;
  package.add(601, Sat{200});  // 150.25 vbytes
  package.add(400, Sat{100});
  CHECK(package.vbytes == 251);
  CHECK(package.fee == Sat{300});
  CHECK(package.feerate() == Perkw{298});  // 300,000 / 1,004
}

TEST_CASE("a child pays what its ancestors lack, and for itself") {
  Package ancestors;
  ancestors.add(4 * 200, Sat{200});  // 1 sat a vbyte
  // 311 vbytes at 10 sat a vbyte, less what is paid.
  CHECK(funding::childs_fee(ancestors, 4 * 111, Perkw{2'500}) == Sat{3'110 - 200});
  // Half a sat is paid whole.
  CHECK(funding::childs_fee(ancestors, 4 * 111, Perkw{2'501}) == Sat{3'112 - 200});
  Package together = ancestors;
  together.add(4 * 111, Sat{3'110 - 200});
  CHECK(together.feerate() == Perkw{2'500});
}

TEST_CASE("who pays enough needs no child") {
  Package ancestors;
  ancestors.add(4 * 200, Sat{2'000});
  CHECK(ancestors.pays(Perkw{2'500}));
  CHECK_FALSE(ancestors.pays(Perkw{2'501}));
  CHECK(funding::childs_fee(ancestors, 4 * 111, Perkw{1'000}) == Sat{});
}

TEST_CASE("a bump has one input and one output of the wallet's") {
  const util::Bytes p2tr = [] {
    util::Bytes script(34, 0x01);
    script[0] = 0x51;
    script[1] = 0x20;
    return script;
  }();
  CHECK(funding::bump_weight(p2tr) == 444);  // 111 vbytes, as bitcoind counts one
}

TEST_CASE("a replacement pays a sat more for each of its vbytes") {
  CHECK(funding::fee_to_replace(Sat{1'000}, 441) == Sat{1'111});
}
