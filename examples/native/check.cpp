#include "check.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "pictures.h"
#include "portrait.h"

namespace {

Picture expect(const std::string& path, int channels, int height, int width) {
    const Picture picture = read_picture(path);
    if (picture.channels != channels || picture.height != height || picture.width != width)
        throw std::runtime_error(path + ": is not of the network's size, in RGB (image) or grey (alpha)");
    return picture;
}

struct Agreement {
    double mean;  // difference of alpha
    double iou;   // of the masks, alpha > 0.5
};

Agreement compare(const std::vector<float>& alpha, const std::vector<uint8_t>& truth) {
    double sum = 0, both = 0, either = 0;
    for (size_t i = 0; i < alpha.size(); ++i) {
        const float true_alpha = truth[i] / 255.0f;
        sum += std::abs(alpha[i] - true_alpha);
        both += alpha[i] > 0.5f && true_alpha > 0.5f;
        either += alpha[i] > 0.5f || true_alpha > 0.5f;
    }
    return {sum / double(alpha.size()), either > 0 ? both / either : 1};
}

}  // namespace

bool check(const std::string& description, int threads) {
    const portrait::Portrait portrait(description, threads);
    std::ifstream file(description);
    const nlohmann::json told = nlohmann::json::parse(file);
    const std::string folder = description.substr(0, description.find_last_of('/') + 1);
    const auto& entry = told.at("files").at("ncnn");
    const auto& vectors = told.at("vectors");
    if (vectors.empty()) throw std::runtime_error(description + ": has no test vectors");

    bool all = true;
    for (const auto& vector : vectors) {
        const std::string name = vector.at("frame");
        const Picture frame = read_picture(folder + name);
        if (frame.channels != 3) throw std::runtime_error(folder + name + ": is not RGB");
        const Picture image = expect(folder + std::string(vector.at("image")), 3, portrait.height(), portrait.width());
        const Picture truth = expect(folder + std::string(vector.at("alpha")), 1, portrait.height(), portrait.width());

        const std::vector<uint8_t> prepared = portrait.prepare(frame.pixels.data(), frame.height, frame.width);
        int furthest = 0;
        for (size_t i = 0; i < prepared.size(); ++i)
            furthest = std::max(furthest, std::abs(prepared[i] - image.pixels[i]));

        const Agreement seen = compare(portrait.run(prepared), truth.pixels);  // a fault of either step shows here
        const double most = entry.value("mean_tolerance", vector.at("mean_tolerance").get<double>());
        const double least = entry.value("iou", vector.at("iou").get<double>());
        const bool ok = furthest <= 1 && seen.mean <= most && seen.iou >= least;
        std::printf("%s %s: image within %d/255 (1), alpha by %.5f in the mean (%.3g), IoU %.4f (%.3g)\n",
                    ok ? "ok  " : "FAIL", name.c_str(), furthest, seen.mean, most, seen.iou, least);
        all = all && ok;
    }
    return all;
}
