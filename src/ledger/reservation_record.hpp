#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "bitcoin/ids.hpp"
#include "ledger/prepared_record.hpp"
#include "lightningd/client.hpp"
#include "util/function.hpp"
#include "util/result.hpp"

namespace ledger {

/// The wallet outputs that this batch has reserved.
struct ReservationRecord {
  using Reservations = std::vector<lightningd::Reservation>;

  std::uint32_t unanswered = 0;  ///< calls that reserve inputs or free them, which were sent
  bool freed = false;            ///< by a call of ours, since they were last reserved
  std::uint64_t since = 0;       ///< as Book counts: when they were asked for
  std::map<bitcoin::Outpoint, std::uint64_t>
      renewed_since;  ///< likewise those that were reserved again: when they were free
  std::uint32_t blocks = 0;
  std::uint32_t doubtful_blocks = 0;        ///< of an extension that is about to be sent, or was and is not answered
  bool answer_lost = false;                 ///< to a call that reserves: it may be carried out still
  std::optional<std::uint32_t> renewed_at;  ///< height at which freed inputs were last reserved again, for `blocks`
  std::optional<PreparedRecord> prepared;   ///< then `blocks` is 0, and `heights` are those before it
  std::uint32_t sent_blocks = 0;            ///< what each sendpsbt may have added, once one may have been sent
  std::map<bitcoin::Outpoint, std::uint32_t> heights;  ///< reserved_to_block of each input

  [[nodiscard]] bool held() const { return !heights.empty(); }
  [[nodiscard]] std::vector<bitcoin::Outpoint> inputs() const;
  /// Whether an input is not reserved any more, by what is recorded, at this height.
  [[nodiscard]] bool ends_by(std::uint32_t height) const;
  /// Whether an input of ours that is reserved to this height is so by us. lightningd adds up what
  /// several users reserve: then the height is another, and the input is not ours to free.
  [[nodiscard]] bool explains(const bitcoin::Outpoint& input, std::uint32_t reserved_to_block) const;
  /// The same without the extension that is not answered.
  [[nodiscard]] bool explains_now(const bitcoin::Outpoint& input, std::uint32_t reserved_to_block) const;
  /// An extension by so many blocks came out at this height.
  void extended(const bitcoin::Outpoint& input, std::uint32_t reserved_to_block, std::uint32_t by);
  /// What we may have reserved each input for.
  [[nodiscard]] std::uint32_t most_blocks() const;
  /// As Book counts: when this input was last seen to be free, or asked for.
  [[nodiscard]] std::uint64_t asked_since(const bitcoin::Outpoint& input) const;
  /// Inputs are about to be asked for, at this time as Book counts.
  void asks_at(std::uint64_t now);
  /// Whoever has reserved them: these inputs are to be ours, for so many blocks at least.
  void claim(const std::vector<bitcoin::Outpoint>& inputs, std::uint32_t for_blocks);
  /// These are none of ours any more.
  void drop(const std::vector<bitcoin::Outpoint>& inputs);
  /// From now on a sendpsbt may add so many blocks. To be recorded before that.
  void send_adds(std::uint32_t more);
  /// sendpsbt is not asked: what is reserved for so long is another's.
  void send_adds_nothing();
  /// Inputs that were free at that time, as Book counts, will be asked for at this height, for `blocks`. To be recorded
  /// before that.
  void announce_renewal(const std::vector<bitcoin::Outpoint>& inputs, std::uint32_t height, std::uint64_t free_at);
  void renewal_sent();
  /// Inputs that were free are reserved for so many blocks and no more.
  void reserved(const Reservations& reservations, std::uint32_t for_blocks);
  /// The answer to reserving free inputs again, for the `doubtful_blocks`. One that is refused may have been reserved
  /// by an earlier call of ours that came late: it stays as announced.
  void renewal_answered(const util::Result<Reservations>& answer);
  /// So many blocks are to be added. To be recorded before that.
  void announce_extension(std::uint32_t more);
  /// That could not be recorded.
  void extension_dropped();
  void extension_sent(std::uint32_t more);
  /// The answer to adding the `doubtful_blocks`: only what was ours before is so afterwards, and what had lapsed just
  /// before and is reserved by this call alone.
  void extension_answered(const util::Result<Reservations>& answer);
  /// Those among the inputs of an extension that another user had reserved just before: the sum is not what it should
  /// be.
  [[nodiscard]] std::vector<bitcoin::Outpoint> foreign(const Reservations& reservations, std::uint32_t added) const;
  /// An extension whose answer was lost long ago: what listfunds shows tells whether it was carried out.
  void settle_doubt(const std::vector<lightningd::WalletOutput>& outputs);
  /// txprepare is to reserve these inputs at this height, and we add so many blocks. To be recorded before that.
  void announce_prepare(const std::vector<bitcoin::Outpoint>& inputs, std::uint32_t height, std::uint32_t kept);
  void prepare_sent();
  /// `refused`: nothing was reserved for sure.
  void prepare_answered(const util::Result<bitcoin::Txid>& answer, bool refused);
  /// It was carried out at this height at the latest.
  void prepared_by(std::uint32_t height);
  /// The answer to adding our blocks to those of txprepare.
  void keep_answered(const util::Result<Reservations>& answer);
  /// The answer to txdiscard: from then on the inputs are reserved as fundpsbt would have left them.
  void discard_answered(bool ok, const std::map<bitcoin::Outpoint, std::uint32_t>& to_blocks);
  /// The answer to freeing all that is ours.
  void release_answered(bool ok);
  void sent();
  void answered();
  /// `then` comes when lightningd has answered every call; it takes the place of another one.
  void when_answered(util::Function<void()> then);
  /// Whether lightningd has not answered every call yet.
  [[nodiscard]] bool in_flight() const { return unanswered > 0; }
  void released();
  /// As a crash would find it, but that it is known since when it is reserved: nothing is in flight.
  [[nodiscard]] ReservationRecord doubted() const;
  /// A copy as it is in the journal, but that a sendpsbt adds nothing.
  [[nodiscard]] ReservationRecord without_sent() const;
  /// Likewise without these inputs.
  [[nodiscard]] ReservationRecord without(const std::vector<bitcoin::Outpoint>& inputs) const;
  /// What was reserved again on account of a copy.
  void take_renewed(const ReservationRecord& copy);

 private:
  /// Without what is in flight.
  [[nodiscard]] ReservationRecord copy() const;
  [[nodiscard]] bool explains_with(const bitcoin::Outpoint& input, std::uint32_t reserved_to_block,
                                   std::uint32_t more) const;

  util::Function<void()> on_answer_;
};

}  // namespace ledger
