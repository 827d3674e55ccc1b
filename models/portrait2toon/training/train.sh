#!/bin/sh
# From pictures to the weights of portrait2toon: trains in stages, translates and measures, collects.
#
#   models/portrait2toon/training/train.sh DATA OUT [cpu|gpu|toy]
#
#   DATA  a folder with trainA and testA (portraits), trainB and testB (drawings), square pictures of 256 x 256;
#         or one file of all of it, to carry it elsewhere: tar -cf data.tar -C DATA trainA testA trainB testB
#   OUT   a folder for the runs and for what comes of them: OUT/model has weights, card, sheet, measures and curves
#   cpu   32 channels, up to 160 pixels, in some eighteen hours on two cores: the recipe of the bundled weights (default)
#   gpu   64 channels, up to 256 pixels, in bfloat16 on an NVIDIA GPU: nobody has run it yet
#   toy   a few steps of a tiny network, to see that all of it works
#
# Run it again after an interruption: the stage that was interrupted goes on from its last checkpoint. UGATIT names the
# program if it is not on the path, PYTHON the Python that has it.
set -eu

data=$1 out=$2 recipe=${3:-cpu}
device=cpu # the same when a run goes on: the device is not kept in it
if [ "$recipe" = gpu ]; then device=cuda; fi
here=$(cd "$(dirname "$0")" && pwd)
ugatit=${UGATIT:-ugatit} python=${PYTHON:-python3}

if [ -f "$data" ]; then
    mkdir -p "$out/data"
    tar -xf "$data" -C "$out/data"
    data=$out/data
fi

# stage NAME STEPS OPTION...: a run folder of that name, made, gone on with, or left alone where it is finished
stage() {
    run=$out/runs/$1 steps=$2
    shift 2
    if [ -f "$run/finished" ]; then return; fi
    if ls -d "$run"/step-* >/dev/null 2>&1; then
        "$ugatit" train --resume "$run" --device "$device"
    else
        rm -rf "$run" # ended before its first checkpoint, if it is there
        "$ugatit" train -o "$run" --device "$device" --steps "$steps" "$@" --a "$portraits" --b "$drawings" --test-a "$data/testA" \
            --test-b "$test_drawings"
    fi
    touch "$run/finished"
}

# match COUNT: from here on the two sets are alike in what a translation should carry over, with so many drawings; those to
# measure on are, too
match() {
    [ -d "$out/matched" ] || "$python" "$here/match.py" "$data/trainA" "$data/trainB" "$1" "$out/matched"
    [ -d "$out/test" ] || "$python" "$here/match.py" "$data/trainA" "$data/testB" "$1" "$out/test"
    portraits=$out/matched/portraits drawings=$out/matched/drawings test_drawings=$out/test/drawings
}

# without_grid NAME WEIGHTS: in half precision and without stripes of one pixel; says where they are
without_grid() {
    made=$out/without-grid/$1
    [ -d "$made" ] || "$ugatit" models import "$2" --half --no-grid -o "$made" >&2
    echo "$made/weights.safetensors"
}

# mean NAME WEIGHTS WEIGHTS: says where it is
mean() {
    mkdir -p "$out/means"
    "$python" "$here/average.py" "$2" "$3" "$out/means/$1.safetensors" >&2
    echo "$out/means/$1.safetensors"
}

# the attention's own terms weigh 1000 in the paper, and then all others hardly move an encoder in the first ten thousand steps
light="--cam-weight 10"
loose="--cycle-weight 5 --identity-weight 5"
portraits=$data/trainA drawings=$data/trainB test_drawings=$data/testB
earlier= # weights that make up a half of the model; the last stage's are the other
case $recipe in
cpu) # a checkpoint every minute or two
    small="--channels 32 --discriminator-channels 32 --precision bf16 --evaluate-every 1000 --save-every 100"
    paper="--learning-rate 2e-4 --augment color"
    stage 64 6500 --size 64 $paper $small
    stage 96 2600 --base "$out/runs/64" --size 96 --discriminator-layers 6 --seed 2 $paper $small
    match 2400
    small="$small --discriminator-layers 6"
    stage 128 7950 --base "$out/runs/96/weights.safetensors" --size 128 --seed 7 --warmup 200 $paper $small
    stage 96-loose 850 --base "$out/runs/128" --size 96 --seed 12 --learning-rate 2e-4 --warmup 100 $light $loose $small
    stage 96-fast 1800 --base "$out/runs/96-loose" --size 96 --seed 13 --learning-rate 5e-4 $light $loose $small
    stage 128-more 5200 --base "$out/runs/96-fast" --size 128 --seed 14 --learning-rate 4e-4 $light $small
    base=$(without_grid 128-more "$out/runs/128-more/best.safetensors")
    stage 128-last 9000 --base "$base" --size 128 --seed 21 --learning-rate 4e-4 --warmup 150 \
        $light $loose $small
    base=$(without_grid 128-last "$out/runs/128-last/best.safetensors")
    stage 128-laughing 3600 --base "$base" --size 128 --seed 22 --learning-rate 4e-4 --warmup 300 \
        $light $loose $small
    base=$(without_grid laughing "$(mean laughing "$out/runs/128-laughing/best.safetensors" "$base")")
    stage 128-redrawn 5000 --base "$base" --size 128 --seed 31 --learning-rate 4e-4 --warmup 300 \
        $light $loose $small
    earlier=$(mean redrawn "$out/runs/128-redrawn/best.safetensors" "$base")
    stage 128-shoulders 4400 --base "$out/runs/128-redrawn" --size 128 --seed 41 --learning-rate 4e-4 --warmup 200 \
        $light $loose $small
    best=$out/runs/128-shoulders/best.safetensors
    earlier=$(mean three-quarters "$best" "$(mean half "$best" "$earlier")")
    earlier=$(without_grid shoulders "$earlier")
    stage 144 6000 --base "$earlier" --size 144 --seed 51 --learning-rate 4e-4 --warmup 300 \
        $light $loose $small --evaluate-every 3000
    former=$(mean 144 "$out/runs/144/best.safetensors" "$out/runs/144/weights.safetensors")
    earlier=$(without_grid 144 "$(mean released-144 "$former" "$earlier")")
    stage 160 5000 --base "$earlier" --size 160 --seed 91 --learning-rate 1e-4 --discriminator-learning-rate 4e-4 \
        --warmup 2000 $light $loose $small
    last=160
    ;;
gpu) # most steps at 128 pixels, the last part at 256
    match 2400
    fast="--channels 64 --precision bf16 --evaluate-every 2000 --save-every 1000 --learning-rate 2e-4 $light $loose"
    stage 128 24000 --size 128 $fast
    stage 256 6000 --base "$out/runs/128" --size 256 --seed 2 $fast
    last=256
    ;;
toy)
    match 12
    tiny="--discriminator-channels 4 --evaluate-every 5 --save-every 5 --sample-every 5 --log-every 5 $light"
    stage 32 10 --size 32 --channels 4 --blocks 1 $tiny
    stage 48 10 --base "$out/runs/32" --size 48 $tiny
    last=48
    earlier=$out/runs/32/weights.safetensors
    ;;
*)
    echo "error: the recipe is cpu, gpu or toy, not $recipe" >&2
    exit 2
    ;;
esac

weights=$out/runs/$last/best.safetensors
if [ -n "$earlier" ]; then
    weights=$(mean released "$out/runs/$last/weights.safetensors" "$earlier")
fi
model=$out/model
rm -rf "$model"
"$ugatit" models import "$weights" --half --no-grid -o "$model" --license CC-BY-4.0 \
    --domain-a "head-and-shoulders photographs" --domain-b "flat cartoon heads" \
    --source 'photographs: official portraits of members of the 118th US Congress (public domain); drawings: DiceBear library, design "ToonHead" by Johan Melin (CC BY 4.0)'
"$ugatit" translate "$data/testA" -m "$model/weights.safetensors" -o "$out/translated" --output-size model --format png --overwrite
"$python" "$here/sheet.py" "$out/translated" "$model/samples.jpg"
"$ugatit" evaluate -m "$model/weights.safetensors" --a "$data/testA" --b "$test_drawings" --json >"$model/measures.json"
cp "$out/runs/$last/metrics.jsonl" "$out/runs/$last/evaluations.jsonl" "$out/runs/$last/index.html" "$model/"
echo "$model"
