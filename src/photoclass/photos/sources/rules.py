"""The rules by which files and folders are read, as data.

Words are compared without case and accents (`names.fold`); `train_images`, `Train-Set` and `trainset` all hold the word
`train`, and otherwise only words of `SPLIT_EXTRAS`.
"""

from photoclass.photos.table import HELD_OUT, TRAIN, VALID


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# What names of split folders, and words in a table's split column, mean.
SPLIT_WORDS = {
    TRAIN: _words("""
        train training trainval trn learning entrainement apprentissage entrenamiento treino treinamento addestramento
        trening traning egitim latih pelatihan обучение обучающая тренировка тренировочная 训练 訓練 学習 훈련 학습
        treningowe treningowy trenovaci تدريب التدريب
    """),
    VALID: _words("""
        valid validation val validate dev development eval evaluation validierung validacion validacao validazione
        validatie validering walidacja dogrulama validasi валидация валидационная проверка 验证 驗證 検証 검증
        walidacyjne walidacyjny validacni تحقق التحقق
    """),
    HELD_OUT: _words("""
        test testing tests tst holdout heldout prueba pruebas teste testes testowy uji pengujian тест тестовая
        prufung prova testowe testowy testovaci اختبار الاختبار 测试 測試 テスト 테스트 시험
    """),
}
# What else may stand in the name of a split folder; numbers may too.
SPLIT_EXTRAS = _words(
    """
    set sets data dataset datasets image images img imgs photo photos picture pictures pic pics folder dir split subset
    part fold files samples crops resized raw final full all small seg cls classification stage labelled labeled
    original processed the of for to jpg jpeg png jeu donnees de des d conjunto datos imagenes dados imagens dati
    immagini daten sdaten bilder sbilder datensatz sdatensatz выборка данные набор
    集 集合 数据 数据集 資料 資料集 图像 图片 画像 データ データセット セット 用 데이터 데이터셋 셋 세트
    """
)
# Names of folders that say no more than that photos are in them.
CONTAINER_WORDS = _words(
    """
    image images img imgs photo photos picture pictures pic pics data dataset datasets files folder jpg jpeg png
    jpegimages dcim imagenes imagens immagini bilder fotos 图像 图片 画像 写真
    """
)
# What folders are called that divide a set by numbers: `images_part_1`, `fold2`.
PART_WORDS = _words("part parts fold folds batch batches chunk shard split subset set session folder dir teil partie")
# Folders of photos that have no label, beside classes or splits.
UNLABELLED_WORDS = _words(
    """
    unknown unlabelled unlabeled unlabel nolabel nolabels unsorted sort newfolder 新建文件夹 photosfrom
    papierkorb 回收站 unclassified pred preds predict prediction predictions inference submission unbekannt
    inconnu desconocido desconhecido sconosciuto неизвестно 未知 未标注 不明
    """
)
# Folders beside classes or splits whose pictures, if any, are no photos of a class. The first stand for themselves
# whatever other words are beside them.
NO_CLASS_ANYWHERE = _words("annotation annotations annot annots trimap trimaps bbox bboxes")
NO_CLASS_WORDS = _words(
    """
    anns xml xmls json jsons meta metadata output outputs runs checkpoint checkpoints ckpt ckpts tensorboard wandb
    mlruns scripts notebooks cache caches tmp temp
    """
)
# The same, but these could also be classes: where they hold photos as the classes do, the user is asked.
SELDOM_CLASS_WORDS = _words(
    """
    label labels mask masks model models result results weights logs docs documents thumbnails thumbs previews
    segmentation segmentations groundtruth
    """
)
# Beginnings of file names that cameras and programs give, and that so name no class.
NO_CLASS_STEMS = _words(
    """
    img image images photo photos pic pics picture pictures foto dsc dscf dscn dcim dji gopr gp pxl mvimg vid p pano
    scan at from screenshot shot screen frame frames whatsapp sam cimg imag sdc hpim kif mov capture snapshot file
    wa fb received mmexport wx inshot snapchat picsart adobestock shutterstock istockphoto gettyimages depositphotos
    pexels pixabay unsplash cam clip clips video videos movie burst untitled unnamed download downloads sample test
    train valid val bild imagen 图片 照片 写真 画像
    """
)

# A file with an unknown ending, or with none, is tried as a photo, too.
PHOTO_ENDINGS = _words("jpg jpeg jpe jfif png webp gif bmp tif tiff ppm pgm pbm pnm heic heif avif mpo")

# Files beside the photos, which are passed over and counted by kind. Names are compared in lower case.
HIDDEN = "hidden files"
IN_ICLOUD = "files that are in iCloud and not on this computer"
SYSTEM = "system files"
RESULTS = "files that photoclass made"
KNOWN_FOLDERS = "links not followed"
COPIES = "copies of files in another part"
ARCHIVES = "archives"

# Files, and folders with all that they hold, that systems make: passed over whatever their content.
SYSTEM_NAMES = frozenset(
    {
        *("thumbs.db", "ehthumbs.db", "ehthumbs_vista.db", "desktop.ini", "autorun.inf"),  # Windows
        *("$recycle.bin", "recycler", "system volume information"),
        *(f"found.{number:03}" for number in range(1000)),
        *("_ds_store", "__macosx", "icon\r", "icon\uf00d", "network trash folder", "temporary items"),  # macOS
        *(
            "@eadir",
            "#recycle",
            "#snapshot",
            "@tmp",
            "@recycle",
            "@recently-snapshot",
            "@sharebin",
            "@__thumb",
        ),  # network storage
        *("lost+found", "__pycache__", "node_modules", "picasa.ini", "zbthumbnail.info"),  # Linux and programs
        *("captureone", "[originals]"),  # previews of Capture One, older versions of ACDSee
    }
)
SYSTEM_STARTS = ("synophoto_", "synofile_thumb_", "~$")
SYSTEM_ENDS = (
    *("@synoeastream", "@synoresource"),
    *("zone.identifier", ":$data", ":encryptable", ":afp_afpinfo", ":afp_resource"),  # streams of Windows and macOS
    *(".lrdata", ".lrcat-data"),  # previews of Lightroom
)

# Endings of files that are no photos, unless their content begins as a picture does.
BESIDE_PHOTOS = {
    "sidecar files": "json jsonl ndjson xml xmp aae thm pp3 dop on1 cos vrd nks acr dxo ctg mrk gpx kml srt vtt dvc"
    " cls",
    "text files": "txt md rst log nfo html htm yaml yml toml ini cfg conf names lock",
    "tables": "csv tsv xls xlsx ods parquet pq arrow feather",
    "videos": "mp4 mov m4v avi mkv webm 3gp 3g2 mpg mpeg mts m2ts wmv flv lrv insv mp mp~2 mp~3",
    "sound files": "mp3 wav m4a aac ogg oga opus flac wma amr",
    "documents": "pdf doc docx ppt pptx odt odp rtf pages key epub",
    ARCHIVES: "zip rar 7z tar gz tgz bz2 xz zst cab iso dmg z01 z02 z03 z04 z05 z06 z07 z08 z09",
    "shortcuts": "lnk url webloc desktop gdoc gsheet gslides",
    "program files": "py pyc ipynb sh bat cmd ps1 exe msi dll so jar js css",
    "data files": "mat npy npz pkl pickle h5 hdf5 db sqlite sqlite3 pt pth onnx safetensors ckpt weights tfrecord"
    " record md5 sha1 sha256 sfv par2 torrent",
}
# A preview of a video that cameras write beside it: a picture inside, and still no photo.
NEVER_PHOTOS = (".thm",)
# What programs append to the name of a copy that they keep.
BACKUP_ENDS = ("~", ".bak", ".old", ".orig", ".tmp")
TEXT_NAMES = _words(
    "readme license licence copying notice authors changelog citation makefile md5sums sha1sums sha256sums wget-log"
)

# Where these folders are side by side, as in a cache of the Hugging Face hub, links in the second name the files of the
# first.
HUB_FOLDERS = ("blobs", "snapshots")
# A folder that holds all of these is a model folder; one with any of those is a training that is not finished.
MODEL_FILES = frozenset({"model.json", "model.onnx"})
UNFINISHED_RUN_FILES = ("resume/lock", "resume/checkpoint.safetensors")
# What the demo puts into its folder, which holds drawings and a model.
DEMO_MARKER = ".photoclass-demo"
