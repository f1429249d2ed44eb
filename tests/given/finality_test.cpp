#include "given/finality.hpp"

#include <doctest/doctest.h>

#include <string>

#include "bitcoin/byte_writer.hpp"
#include "bitcoin/transaction.hpp"
#include "psbt/psbt.hpp"

using bitcoin::Outpoint;
using bitcoin::Txid;
using given::why_not_at;
using given::why_not_soon;
using psbt::Psbt;

namespace {

constexpr std::int64_t now = 1'700'000'000;
constexpr std::uint32_t unset = 0xFFFFFFFF;

/// One input of this sequence, as bitcoind's createpsbt has it; `maps` has its input's and its output's.
Psbt locked(std::uint32_t locktime, std::uint32_t sequence, const Outpoint& outpoint,
            const util::Bytes& input_map = {}) {
  bitcoin::Transaction transaction;
  transaction.inputs.push_back({outpoint, sequence});
  transaction.outputs.push_back({bitcoin::Sat{5000}, util::Bytes{0x51}});
  transaction.locktime = locktime;
  bitcoin::ByteWriter out;
  out.bytes(util::Bytes{'p', 's', 'b', 't', 0xff})
      .sized_bytes(util::Bytes{0})
      .sized_bytes(transaction.serialise())
      .u8(0);
  out.bytes(input_map).u8(0).u8(0);
  const auto psbt = Psbt::parse(out.take());
  REQUIRE_MESSAGE(psbt, psbt.error().message);
  return *psbt;
}

Psbt locked(std::uint32_t locktime, std::uint32_t sequence = 0xFFFFFFFD) {
  return locked(locktime, sequence, {*Txid::from_hex(std::string(64, '9')), 1});
}

/// Spends the coinbase of this block.
Psbt mined_in(std::uint32_t height) {
  bitcoin::ByteWriter coinbase;
  coinbase.u32(1).u8(1).bytes(util::Bytes(32, 0)).u32(0xFFFFFFFF);
  coinbase.sized_bytes(util::Bytes{0x02, static_cast<std::uint8_t>(height), static_cast<std::uint8_t>(height >> 8)});
  coinbase.u32(0xFFFFFFFF).u8(1).u64(5'000'000).sized_bytes(util::Bytes{0x51}).u32(0);
  const auto bytes = coinbase.take();
  const auto previous = bitcoin::PreviousTransaction::parse(bytes);
  REQUIRE(previous);
  bitcoin::ByteWriter map;
  map.sized_bytes(util::Bytes{0}).sized_bytes(bytes);
  return locked(0, unset, {previous->txid, 0}, map.take());
}

}  // namespace

TEST_CASE("a locktime in blocks is over when the chain has that height") {
  CHECK(!why_not_at(locked(800), 800));
  REQUIRE(why_not_at(locked(801), 800));
  CHECK(*why_not_at(locked(801), 800) ==
        "its locktime is 801, and the chain is at block 800: bitcoind would refuse the transaction before");
  CHECK(!why_not_at(locked(801, unset), 800));  // no input asks for it
}

TEST_CASE("what is to be signed later may be ahead of lightningd by some blocks") {
  CHECK(!why_not_soon(locked(806), 800, now));
  REQUIRE(why_not_soon(locked(807), 800, now));
  CHECK(*why_not_soon(locked(807), 800, now) == *why_not_at(locked(807), 800));
}

TEST_CASE("a locktime in seconds must be two hours past: bitcoind goes by the blocks' times") {
  CHECK(!why_not_soon(locked(1'700'000'000 - 7200), 800, now));
  REQUIRE(why_not_soon(locked(1'700'000'001 - 7200), 800, now));
  CHECK(why_not_soon(locked(1'700'000'001 - 7200), 800, now)->find("a time that is not two hours past") !=
        std::string::npos);
  CHECK(!why_not_at(locked(1'700'000'001 - 7200), 800));  // that was looked at when it was prepared
}

TEST_CASE("what was mined can be spent 100 blocks later") {
  CHECK(!why_not_at(mined_in(701), 800));
  REQUIRE(why_not_at(mined_in(702), 800));
  CHECK(why_not_at(mined_in(702), 800)
            ->find("was mined in block 702, and can be spent from block 802 on: the chain is "
                   "at 800") != std::string::npos);
  CHECK(why_not_soon(mined_in(702), 800, now));
}
