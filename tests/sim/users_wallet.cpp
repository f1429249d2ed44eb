#include "sim/users_wallet.hpp"

#include <utility>

#include "bitcoin/ripemd160.hpp"
#include "sim/raw_psbt.hpp"

namespace sim {

namespace {

constexpr std::uint64_t other_stream = 0x0c01d;

}  // namespace

Coin UsersWallet::as_coin(const bitcoin::TxOutput& output) const {
  Coin coin;
  if (const auto key = keys_.find(output.script); key != keys_.end()) coin.key = key->second;
  coin.amount = output.amount;
  coin.script = output.script;
  return coin;
}

UsersWallet::UsersWallet(const Setup& setup, Chain& chain)
    : random_(setup.seed + other_stream), feerate_(setup.opening_feerate) {
  if (setup.users_coins.empty()) return;
  bitcoin::Transaction paid;
  bitcoin::Outpoint from;
  from.vout = 7;  // of nothing that anybody knows
  paid.inputs.push_back({from});
  for (const auto amount : setup.users_coins) paid.outputs.push_back({amount, new_script()});
  for (std::uint32_t i = 0; i < paid.outputs.size(); ++i) coins_[{paid.txid(), i}] = paid.outputs[i];
  (void)chain.submit(paid);
  (void)chain.mine(setup.height);
}

util::Bytes UsersWallet::new_script() {
  auto key = random_.bytes(33);
  key[0] = 0x02;
  util::Bytes script{0x00, 20};
  const auto hash = bitcoin::hash160(key);
  script.insert(script.end(), hash.begin(), hash.end());
  keys_[script] = std::move(key);
  return script;
}

std::optional<bitcoin::TxOutput> UsersWallet::coin(const bitcoin::Outpoint& outpoint) const {
  const auto found = coins_.find(outpoint);
  return found == coins_.end() ? std::nullopt : std::optional(found->second);
}

std::string UsersWallet::psbt(bool with_change) {
  bitcoin::Transaction transaction;
  for (const auto& [outpoint, output] : coins_) transaction.inputs.push_back({outpoint, 0xFFFFFFFDu});
  if (with_change) transaction.outputs.push_back({bitcoin::Sat{1'000}, new_script()});
  RawPsbt raw(transaction);
  std::size_t index = 0;
  for (const auto& [outpoint, output] : coins_) raw.describe(index++, as_coin(output));
  return raw.base64();
}

std::string UsersWallet::in_block(const bitcoin::Transaction& transaction) {
  const auto psbt = psbt::Psbt::from_base64(sign(RawPsbt(transaction).base64()));
  const auto raw = psbt ? RawPsbt::from(*psbt) : std::nullopt;
  return raw && raw->is_signed() ? util::to_hex(raw->final_transaction()) : std::string();
}

std::string UsersWallet::sign(const std::string& text) {
  const auto psbt = psbt::Psbt::from_base64(text);
  auto raw = psbt ? RawPsbt::from(*psbt) : std::nullopt;
  if (!raw) return {};
  for (std::size_t i = 0; i < psbt->inputs().size(); ++i) {
    if (const auto output = coin(psbt->inputs()[i].outpoint)) raw->sign(i, as_coin(*output), random_);
  }
  return raw->base64();
}

}  // namespace sim
