#include "net/aside_parser.h"

#include "json/text.h"

namespace weft::net {

AsideParser::AsideParser(Loop& loop, std::function<void(Result<json::Value>)> on_value)
    : loop_(loop), on_value_(std::move(on_value)) {}

AsideParser::~AsideParser() {
    *alive_ = false;
    if (thread_.joinable()) thread_.join();
}

bool AsideParser::take(std::string& text) {
    if (text.size() < kLong && jobs_.empty()) return false;
    bytes_ += text.size();
    size_t size = text.size();
    jobs_.push_back(std::make_shared<Job>(Job{std::exchange(text, {}), size, json::Value()}));
    if (jobs_.size() == 1) start();
    return true;
}

// Goes on with the first job: short texts are not worth a thread.
void AsideParser::start() {
    std::shared_ptr<bool> alive = alive_;
    while (*alive && !jobs_.empty()) {
        std::shared_ptr<Job> job = jobs_.front();
        if (job->size < kLong) {
            hand_out(json::parse(job->text));
            continue;
        }
        thread_ = std::thread([this, job, alive] {
            job->value = json::parse(job->text);
            job->text = {};
            loop_.post([this, alive] {
                if (*alive) parsed();
            });
        });
        return;
    }
}

void AsideParser::parsed() {
    thread_.join();
    std::shared_ptr<bool> alive = alive_;
    hand_out(std::move(jobs_.front()->value));
    if (*alive) start();
}

void AsideParser::hand_out(Result<json::Value> value) {
    bytes_ -= jobs_.front()->size;
    jobs_.pop_front();
    std::function<void(Result<json::Value>)> on_value = on_value_;
    on_value(std::move(value));
}

}  // namespace weft::net
