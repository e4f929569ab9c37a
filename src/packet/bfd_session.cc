#include "packet/bfd_session.h"

#include <algorithm>
#include <cassert>
#include <utility>

namespace weft::packet {

namespace {

constexpr int64_t kSlowTxMs = 1000;  // the least while the session is not up (6.8.3)

uint32_t wire_us(int64_t ms) {
    return static_cast<uint32_t>(std::min<int64_t>(ms * 1000, UINT32_MAX));
}

}  // namespace

BfdSession::BfdSession(uint32_t discriminator, const Settings& settings, Random random, int64_t now_ms)
    : settings_(settings),
      random_(std::move(random)),
      discriminator_(discriminator),
      min_tx_ms_(std::max(kSlowTxMs, settings.min_tx_ms)),
      active_min_tx_ms_(min_tx_ms_),
      min_rx_ms_(settings.min_rx_ms),
      active_min_rx_ms_(settings.min_rx_ms),
      last_tx_ms_(now_ms),
      next_tx_ms_(now_ms) {
    assert(discriminator);
    if (settings_.path_down) diag_ = BfdDiag::kConcatenatedPathDown;
}

void BfdSession::configure(const Settings& settings, int64_t now_ms) {
    if (settings == settings_) return;
    Settings before = std::exchange(settings_, settings);
    if (settings.min_tx_ms != before.min_tx_ms) {
        if (up()) {
            min_tx_ms_ = settings.min_tx_ms;
            active_min_tx_ms_ = std::min(active_min_tx_ms_, min_tx_ms_);
            start_poll(now_ms);
        } else {
            min_tx_ms_ = active_min_tx_ms_ = std::max(kSlowTxMs, settings.min_tx_ms);
        }
    }
    if (settings.min_rx_ms != before.min_rx_ms) want_min_rx(settings.min_rx_ms, now_ms);
    if (settings.path_down != before.path_down) {
        if (settings.path_down)
            enter(state_, BfdDiag::kConcatenatedPathDown);
        else if (diag_ == BfdDiag::kConcatenatedPathDown)
            enter(state_, BfdDiag::kNone);
        if (up()) start_poll(now_ms);
    }
}

void BfdSession::set_admin_down(bool down, int64_t) {
    if (down == (state_ == BfdState::kAdminDown)) return;
    enter(down ? BfdState::kAdminDown : BfdState::kDown,
          down ? BfdDiag::kAdministrativelyDown : BfdDiag::kNone);
    detect_ms_ = 0;
}

const char* BfdSession::receive(ByteView payload, uint8_t ttl, int64_t now_ms) {
    std::optional<BfdMessage> message = BfdMessage::decode(payload);
    if (!message) return "the message is too short";
    if (const char* why = message->flaw(payload.size(), ttl)) return why;
    if (message->your_discriminator && message->your_discriminator != discriminator_)
        return "incorrect your_disc";
    int64_t min_rx = (int64_t{message->min_rx_us} + 999) / 1000;
    bool new_min_rx = min_rx != remote_.min_rx_ms;
    remote_ = {message->state,
               message->diag,
               message->flags,
               message->my_discriminator,
               (int64_t{message->min_tx_us} + 999) / 1000,
               min_rx,
               message->multiplier};
    if ((message->flags & BfdMessage::kFinal) && polling_) end_poll();
    if (state_ == BfdState::kAdminDown) return nullptr;
    detect_ms_ = now_ms + rx_interval_ms() * remote_.multiplier;
    bool was_up = up();
    advance(message->state);
    if (new_min_rx || (up() && !was_up)) schedule(last_tx_ms_);
    if (message->flags & BfdMessage::kPoll) answer_poll_ = true;
    return nullptr;
}

// The state machine of section 6.2.
void BfdSession::advance(BfdState theirs) {
    if (theirs == BfdState::kAdminDown) {
        if (state_ != BfdState::kDown) enter(BfdState::kDown, BfdDiag::kNeighborSignaledDown);
        return;
    }
    switch (state_) {
        case BfdState::kDown:
            if (theirs == BfdState::kDown) enter(BfdState::kInit, diag_);
            if (theirs == BfdState::kInit) enter(BfdState::kUp, diag_);
            break;
        case BfdState::kInit:
            if (theirs >= BfdState::kInit) enter(BfdState::kUp, diag_);
            break;
        case BfdState::kUp:
            if (theirs == BfdState::kDown) enter(BfdState::kDown, BfdDiag::kNeighborSignaledDown);
            break;
        case BfdState::kAdminDown:
            break;
    }
}

void BfdSession::enter(BfdState state, BfdDiag diag) {
    if (state == BfdState::kUp && settings_.path_down) diag = BfdDiag::kConcatenatedPathDown;
    diag_ = diag;
    if (state == state_) return;
    state_ = state;
    tell_ = true;
    min_tx_ms_ = active_min_tx_ms_ = up() ? settings_.min_tx_ms : std::max(kSlowTxMs, settings_.min_tx_ms);
    if (up()) polling_ = settings_.poll_when_up;
    if (state == BfdState::kInit || up()) return;
    polling_ = answer_poll_ = false;
    min_rx_ms_ = active_min_rx_ms_ = settings_.min_rx_ms;
    uint8_t multiplier = remote_.multiplier;
    remote_ = {};
    remote_.multiplier = multiplier;
}

void BfdSession::start_poll(int64_t now_ms) {
    polling_ = true;
    next_tx_ms_ = std::min(next_tx_ms_, now_ms);
}

void BfdSession::end_poll() {
    polling_ = false;
    active_min_tx_ms_ = min_tx_ms_;
    active_min_rx_ms_ = min_rx_ms_;
}

void BfdSession::want_min_rx(int64_t ms, int64_t now_ms) {
    if (min_rx_ms_ == ms) return;
    min_rx_ms_ = ms;
    if (!up()) {
        active_min_rx_ms_ = ms;
        return;
    }
    active_min_rx_ms_ = std::max(active_min_rx_ms_, ms);
    start_poll(now_ms);
}

int64_t BfdSession::tx_interval_ms() const {
    return std::max<int64_t>({active_min_tx_ms_, remote_.min_rx_ms, 1});
}

int64_t BfdSession::rx_interval_ms() const {
    return std::max<int64_t>({active_min_rx_ms_, remote_.min_tx_ms, 1});
}

// The next message, up to a quarter early (section 6.8.7), so that sessions do not run in step; at least a
// tenth early if one lost message takes the session down.
void BfdSession::schedule(int64_t from_ms) {
    int64_t interval = tx_interval_ms();
    int64_t least = settings_.multiplier == 1 ? interval / 10 : 0;
    int64_t spread = interval / 4 - least;
    int64_t early = least + (spread > 0 ? static_cast<int64_t>(random_()) % (spread + 1) : 0);
    next_tx_ms_ = from_ms + interval - early;
}

// Section 6.8.7: not to who wants none.
bool BfdSession::may_send() const {
    bool demanded = (remote_.flags & BfdMessage::kDemand) && up() && remote_.state == BfdState::kUp;
    return remote_.min_rx_ms > 0 && (!demanded || polling_);
}

BfdMessage BfdSession::compose(uint8_t flags) const {
    BfdMessage message;
    message.diag = diag_;
    message.state = state_;
    message.flags = flags;
    message.multiplier = settings_.multiplier;
    message.my_discriminator = discriminator_;
    message.your_discriminator = remote_.discriminator;
    message.min_tx_us = wire_us(min_tx_ms_);
    message.min_rx_us = wire_us(min_rx_ms_);
    return message;
}

std::optional<BfdMessage> BfdSession::poll(int64_t now_ms) {
    if (detect_ms_ && now_ms >= detect_ms_) {
        detect_ms_ = 0;
        if (state_ == BfdState::kInit || up()) {
            enter(BfdState::kDown, BfdDiag::kControlDetectionExpired);
        } else {  // section 6.8.1
            remote_.discriminator = 0;
            remote_.min_rx_ms = 1;
        }
    }
    bool answer = std::exchange(answer_poll_, false), tell = std::exchange(tell_, false);
    if (!answer && !tell && now_ms < next_tx_ms_) return std::nullopt;
    schedule(now_ms);
    if (!answer && !may_send()) return std::nullopt;
    last_tx_ms_ = now_ms;
    return compose(answer ? BfdMessage::kFinal : polling_ ? BfdMessage::kPoll : uint8_t{0});
}

int64_t BfdSession::next_wakeup_ms() const {
    if (answer_poll_ || tell_) return 0;
    return detect_ms_ ? std::min(next_tx_ms_, detect_ms_) : next_tx_ms_;
}

}  // namespace weft::packet
