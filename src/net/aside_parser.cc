#include "net/aside_parser.h"

#include <utility>

namespace weft::net {

AsideParser::AsideParser(Loop& loop, Taker taker) : loop_(loop), taker_(std::move(taker)) {}

AsideParser::~AsideParser() {
    *alive_ = false;
    if (thread_.joinable()) thread_.join();
}

bool AsideParser::take(std::string& text) {
    if (text.size() < kLong && jobs_.empty()) return false;
    bytes_ += text.size();
    auto job = std::make_shared<Job>();
    job->size = text.size();
    job->text = std::exchange(text, {});
    jobs_.push_back(std::move(job));
    if (jobs_.size() == 1) start();
    return true;
}

// Goes on with the first job: short texts are not worth a thread.
void AsideParser::start() {
    std::shared_ptr<bool> alive = alive_;
    while (*alive && !jobs_.empty()) {
        std::shared_ptr<Job> job = jobs_.front();
        if (job->size < kLong) {
            job->read();
            hand_out();
            continue;
        }
        thread_ = std::thread([this, job, alive] {
            job->read();
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
    hand_out();
    if (*alive) start();
}

void AsideParser::hand_out() {
    std::shared_ptr<Job> job = std::move(jobs_.front());
    jobs_.pop_front();
    bytes_ -= job->size;
    Taker taker = taker_;
    taker(job->text, job->message);
}

void AsideParser::Job::read() {
    message = reader.read_in_place(text);
    if (message.ok()) text = {};
}

}  // namespace weft::net
